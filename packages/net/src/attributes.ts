/** Netlink attributes (struct nlattr): 2 octets length, 2 octets type, value, padding to 4. Host order: little endian. Pure. */

const HEADER = 4;
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;

export const align4 = (length: number): number => (length + 3) & ~3;

/** An attribute of a value of `length` octets: header and padding are written, the value is not. */
function headed(type: number, length: number): Buffer {
  const end = HEADER + length;
  const bytes = Buffer.allocUnsafe(align4(end));
  bytes.writeUInt16LE(end, 0);
  bytes.writeUInt16LE(type, 2);
  for (let pad = end; pad < bytes.length; pad += 1) bytes[pad] = 0;
  return bytes;
}

/** Encodes one attribute, padded. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = headed(type, value.length);
  bytes.set(value, HEADER);
  return bytes;
}

export function u16Attribute(type: number, value: number): Buffer {
  const bytes = headed(type, 2);
  bytes.writeUInt16LE(value, HEADER);
  return bytes;
}

export function u32Attribute(type: number, value: number): Buffer {
  const bytes = headed(type, 4);
  bytes.writeUInt32LE(value >>> 0, HEADER);
  return bytes;
}

/** Ports travel in network order. */
export function be16Attribute(type: number, value: number): Buffer {
  const bytes = headed(type, 2);
  bytes.writeUInt16BE(value, HEADER);
  return bytes;
}

/** nf_tables has its numbers in network order. */
export function be32Attribute(type: number, value: number): Buffer {
  const bytes = headed(type, 4);
  bytes.writeUInt32BE(value, HEADER);
  return bytes;
}

/** A string with its terminating NUL. */
export const stringAttribute = (type: number, text: string): Buffer =>
  attribute(type, Buffer.from(`${text}\0`, 'latin1'));

export const nestedAttribute = (type: number, inner: readonly Buffer[]): Buffer =>
  attribute(type | NESTED, Buffer.concat(inner));

/** Attributes by type; of a repeated one the last. Stops at an invalid length, which the kernel never sends. */
export function readAttributes(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let offset = 0; offset + HEADER <= bytes.length;) {
    const length = bytes.readUInt16LE(offset);
    if (length < HEADER || offset + length > bytes.length) break;
    found.set(bytes.readUInt16LE(offset + 2) & TYPE_MASK, bytes.subarray(offset + HEADER, offset + length));
    offset += align4(length);
  }
  return found;
}

/**
 * Attributes that are searched when they are asked for: of thousands of messages with thirty attributes each, a few numbers are
 * read. Of a repeated attribute the first counts.
 */
export class Attributes {
  readonly #bytes: Buffer;
  /** Length of the value that `#locate` found last. */
  #length = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Offset of the value, -1 if there is none of at least this length. */
  #locate(type: number, least: number): number {
    const bytes = this.#bytes;
    for (let offset = 0; offset + HEADER <= bytes.length;) {
      const length = bytes.readUInt16LE(offset);
      if (length < HEADER || offset + length > bytes.length) return -1;
      if ((bytes.readUInt16LE(offset + 2) & TYPE_MASK) === type) {
        this.#length = length - HEADER;
        return this.#length < least ? -1 : offset + HEADER;
      }
      offset += align4(length);
    }
    return -1;
  }

  has(type: number): boolean {
    return this.#locate(type, 0) >= 0;
  }

  get(type: number): Buffer | undefined {
    const start = this.#locate(type, 0);
    return start < 0 ? undefined : this.#bytes.subarray(start, start + this.#length);
  }

  /** The attributes nested in one; none if it is absent. */
  nested(type: number): Attributes {
    return new Attributes(this.get(type) ?? Buffer.alloc(0));
  }

  /** The numbers are 0 if their attribute is absent. */
  u16(type: number): number {
    const start = this.#locate(type, 2);
    return start < 0 ? 0 : this.#bytes.readUInt16LE(start);
  }

  /** In network order, as ports are. */
  be16(type: number): number {
    const start = this.#locate(type, 2);
    return start < 0 ? 0 : this.#bytes.readUInt16BE(start);
  }

  u32(type: number): number {
    const start = this.#locate(type, 4);
    return start < 0 ? 0 : this.#bytes.readUInt32LE(start);
  }

  i32(type: number): number {
    return this.u32(type) | 0;
  }

  /** Of 4 or 8 octets. */
  counter(type: number): bigint {
    const start = this.#locate(type, 4);
    if (start < 0) return 0n;
    return this.#length >= 8 ? this.#bytes.readBigUInt64LE(start) : BigInt(this.#bytes.readUInt32LE(start));
  }
}

/** A string without its terminating NUL. */
export const readString = (bytes: Buffer): string => bytes.toString('latin1').replace(/\0.*$/s, '');
