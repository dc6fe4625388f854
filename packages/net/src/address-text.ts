/** Converts addresses between text and octets, with ipaddr.js. Pure. */
import ipaddr from 'ipaddr.js';

/** The octets of an address. */
export const addressBytes = (address: string): Buffer => Buffer.from(ipaddr.parse(address).toByteArray());

/** Octets to canonical text: dotted quad, or RFC 5952. */
export function addressText(bytes: Uint8Array): string {
  const parsed = ipaddr.fromByteArray([...bytes]);
  return parsed.kind() === 'ipv6' ? (parsed as ipaddr.IPv6).toRFC5952String() : parsed.toString();
}
