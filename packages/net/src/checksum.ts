/** The Internet checksum (RFC 1071). Pure. */

/** Accepts an even or odd number of octets. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let offset = 0; offset < bytes.length; offset += 2)
    sum += (bytes[offset] ?? 0) * 256 + (bytes[offset + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
