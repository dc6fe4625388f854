/** Netlink attributes (struct nlattr): 2 octets length, 2 octets type, value, padding to 4. Host order: little endian. Pure. */

const HEADER = 4;
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;

export const align4 = (length: number): number => (length + 3) & ~3;

/** Encodes one attribute, padded. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADER + align4(value.length));
  bytes.writeUInt16LE(HEADER + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, HEADER);
  return bytes;
}

const number = (width: 1 | 2 | 4, value: number): Buffer => {
  const bytes = Buffer.alloc(width);
  bytes.writeUIntLE(value, 0, width);
  return bytes;
};

export const u16Attribute = (type: number, value: number): Buffer => attribute(type, number(2, value));
export const u32Attribute = (type: number, value: number): Buffer => attribute(type, number(4, value >>> 0));

/** Ports travel in network order. */
export function be16Attribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return attribute(type, bytes);
}

/** nf_tables has its numbers in network order. */
export function be32Attribute(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return attribute(type, bytes);
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

/** A string without its terminating NUL. */
export const readString = (bytes: Buffer): string => bytes.toString('latin1').replace(/\0.*$/s, '');
