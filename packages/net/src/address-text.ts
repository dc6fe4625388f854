/** Converts addresses between text and octets, with ipaddr.js; the usual form of IPv4 without. Pure. */
import {isIPv4} from 'node:net';
import ipaddr from 'ipaddr.js';

/** The octets of an address. */
export const addressBytes = (address: string): Buffer =>
  Buffer.from(isIPv4(address) ? address.split('.').map(Number) : ipaddr.parse(address).toByteArray());

/** Octets to canonical text: dotted quad, or RFC 5952. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const parsed = ipaddr.fromByteArray([...bytes]);
  return parsed.kind() === 'ipv6' ? (parsed as ipaddr.IPv6).toRFC5952String() : parsed.toString();
}
