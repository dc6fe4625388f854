/**
 * What a director adds to its announcements where others do not look: 18 octets in the padding of an ARP frame, or in an
 * experimental option of a neighbour advertisement. What they mean is not this package's business. Pure.
 */
export const TRAILER_LENGTH = 18;

/** As the field of a packet: nothing where the octets are missing or all zero. */
export function trailerAt(bytes: Buffer, offset: number): {readonly trailer?: Buffer} {
  const trailer = bytes.subarray(offset, offset + TRAILER_LENGTH);
  return trailer.length === TRAILER_LENGTH && trailer.some((octet) => octet !== 0) ? {trailer} : {};
}
