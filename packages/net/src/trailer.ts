/**
 * Data that a director adds to its announcements, ignored by other machines: 18 octets in the padding of an ARP frame, or in an
 * experimental option of a neighbour advertisement. This package does not interpret them. Pure.
 */
export const TRAILER_LENGTH = 18;

/** The field of a packet; absent if the octets are missing or all zero. */
export function trailerAt(bytes: Buffer, offset: number): {readonly trailer?: Buffer} {
  const trailer = bytes.subarray(offset, offset + TRAILER_LENGTH);
  return trailer.length === TRAILER_LENGTH && trailer.some((octet) => octet !== 0) ? {trailer} : {};
}
