/** Reads big-endian (network order) fields from a buffer. Reading past the end throws RangeError: check lengths first. */
export class ByteReader {
  readonly bytes: Buffer;
  offset: number;

  constructor(bytes: Buffer, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
  }

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  u8(): number {
    const value = this.bytes.readUInt8(this.offset);
    this.offset += 1;
    return value;
  }

  u16(): number {
    const value = this.bytes.readUInt16BE(this.offset);
    this.offset += 2;
    return value;
  }

  u32(): number {
    const value = this.bytes.readUInt32BE(this.offset);
    this.offset += 4;
    return value;
  }

  u64(): bigint {
    const value = this.bytes.readBigUInt64BE(this.offset);
    this.offset += 8;
    return value;
  }

  /** A view (not a copy) of the next `length` bytes. */
  readBytes(length: number): Buffer {
    if (this.remaining < length) throw new RangeError(`need ${length} bytes, have ${this.remaining}`);
    const view = this.bytes.subarray(this.offset, this.offset + length);
    this.offset += length;
    return view;
  }
}

/** Writes big-endian fields into a buffer that grows as needed. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = Buffer.alloc(capacity);
  }

  #reserve(size: number): number {
    const offset = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, offset);
      this.#bytes = grown;
    }
    return offset;
  }

  u8(value: number): this {
    const offset = this.#reserve(1);
    this.#bytes.writeUInt8(value, offset);
    return this;
  }

  u16(value: number): this {
    const offset = this.#reserve(2);
    this.#bytes.writeUInt16BE(value, offset);
    return this;
  }

  u32(value: number): this {
    const offset = this.#reserve(4);
    this.#bytes.writeUInt32BE(value, offset);
    return this;
  }

  u64(value: bigint): this {
    const offset = this.#reserve(8);
    this.#bytes.writeBigUInt64BE(value, offset);
    return this;
  }

  writeBytes(source: Uint8Array): this {
    const offset = this.#reserve(source.length);
    this.#bytes.set(source, offset);
    return this;
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes written so far, as a view. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
