/** Addresses and ports as written in the files. All arithmetic is ipaddr.js's. Pure. */
import ipaddr from 'ipaddr.js';

/** Canonical text of an IPv4 address. ipaddr.js would also accept 10.1 and octal, which are typing errors here. */
export function ipv4(text: string): string | undefined {
  return ipaddr.IPv4.isValidFourPartDecimal(text) && !/(^|\.)0\d/.test(text) ? text : undefined;
}

/** Canonical text (RFC 5952) of an IPv6 address, with or without brackets. */
export function ipv6(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  return bare.includes(':') && ipaddr.IPv6.isValid(bare)
    ? ipaddr.IPv6.parse(bare).toRFC5952String()
    : undefined;
}

export const portNumber = (text: string): number | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;

/** A netmask as a prefix length: `24` or `255.255.255.0`. */
export function prefixLength(text: string, family: 4 | 6): number | undefined {
  if (/^\d{1,3}$/.test(text)) {
    const length = Number(text);
    return length <= (family === 4 ? 32 : 128) ? length : undefined;
  }
  if (family === 6 || ipv4(text) === undefined) return undefined;
  return ipaddr.IPv4.parse(text).prefixLengthFromSubnetMask() ?? undefined;
}

/** Every address from the first to the last; undefined when they are out of order or there are more than 65,536. */
export function addressRange(first: string, last: string): string[] | undefined {
  const number = (text: string): number =>
    ipaddr.IPv4.parse(text)
      .toByteArray()
      .reduce((sum, octet) => sum * 256 + octet, 0);
  const [from, to] = [number(first), number(last)];
  if (to < from || to - from > 65_535) return undefined;
  return Array.from({length: to - from + 1}, (_, index) => {
    const value = from + index;
    return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
  });
}

/** inet_aton(3): `10.1` is 10.0.0.1, a leading 0 is octal. Old forms that getaddrinfo, and so ldirectord, still accepts. */
export function oldIpv4(text: string): string | undefined {
  const parts = text.split('.');
  if (parts.length > 4 || !parts.every((part) => /^(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.test(part)))
    return undefined;
  const numbers = parts.map((part) => (/^0[0-7]+$/.test(part) ? parseInt(part, 8) : Number(part)));
  const last = numbers.pop() ?? 0;
  const room = 256 ** (4 - numbers.length);
  if (last >= room || numbers.some((number) => number > 255)) return undefined;
  const value = numbers.reduce((sum, number, index) => sum + number * 256 ** (3 - index), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** An address of the family in any form, or a name that the resolver knows. */
export function hostOf(
  text: string,
  family: 4 | 6,
  resolver: {host(name: string, family: 4 | 6): string | undefined},
): string | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  const literal = family === 4 ? (ipv4(bare) ?? oldIpv4(bare)) : ipv6(bare.replace(/%.*$/, ''));
  return literal ?? (bare === '' || /^[\d.]+$|:/.test(bare) ? undefined : resolver.host(bare, family));
}
