/**
 * The mark of a cluster in its announcements: "HACT" and eight octets, where others do not look (the padding of an ARP
 * frame, an experimental option of a neighbour advertisement). Pure.
 */
const MAGIC = 0x4841_4354;
export const MARK_LENGTH = 12;

export function putMark(bytes: Buffer, at: number, mark: bigint | undefined): void {
  if (mark === undefined) return;
  bytes.writeUInt32BE(MAGIC, at);
  bytes.writeBigUInt64BE(mark, at + 4);
}

/** As the field of a packet: nothing where no mark stands. */
export function markAt(bytes: Buffer, at: number): {readonly mark?: bigint} {
  return bytes.length >= at + MARK_LENGTH && bytes.readUInt32BE(at) === MAGIC
    ? {mark: bytes.readBigUInt64BE(at + 4)}
    : {};
}
