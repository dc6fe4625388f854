/** Numbers and addresses as ipvsadm (that is, the C library) reads and writes them. Pure. */
import net from 'node:net';
import {addressBytes, addressText} from '@hactl/net';

/** strtol in base 10: accepts leading blanks and a sign, nothing after the digits. */
export function readNumber(text: string, low: number, high: number): number | undefined {
  if (!/^\s*[+-]?\d+$/.test(text)) return undefined;
  const value = Number(text);
  return value >= low && value <= high ? value : undefined;
}

const part = (text: string): number => {
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return Number.parseInt(text.slice(2), 16);
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9]\d*$/.test(text) ? Number(text) : Number.NaN;
};

/** inet_aton: one to four parts, each decimal, octal or hexadecimal; the last fills the rest. `24` is 0.0.0.24. */
export function readIpv4(text: string): string | undefined {
  const parts = (text.split(/\s/, 1)[0] ?? '').split('.').map((text) => part(text));
  const last = parts.pop();
  if (last === undefined || parts.length > 3) return undefined;
  const missing = 4 - parts.length;
  if (!(last >= 0 && last < 256 ** missing) || parts.some((part) => !(part >= 0 && part < 256)))
    return undefined;
  const rest = Array.from(
    {length: missing},
    (_, index) => Math.floor(last / 256 ** (missing - 1 - index)) % 256,
  );
  return [...parts, ...rest].join('.');
}

/** A dotted quad at the end of an IPv6 address as two groups: ipaddr.js parses `::1.2.3.4` as a mapped address. */
const withoutQuad = (text: string): string =>
  text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });

/** inet_pton: an IPv6 address without a zone, in canonical text. */
export function readIpv6(text: string): string | undefined {
  return net.isIPv6(text) && !text.includes('%') ? addressText(addressBytes(withoutQuad(text))) : undefined;
}

/** inet_ntop writes the last 32 bits of compatible and mapped IPv4 addresses as a dotted quad; RFC 5952 does not. */
export function writeIpv6(address: string): string {
  const found = /^::(ffff:)?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (!found) return address;
  const quad = [found[2], found[3]].flatMap((group) => {
    const value = Number.parseInt(group ?? '', 16);
    return [value >> 8, value & 255];
  });
  return `::${found[1] ?? ''}${quad.join('.')}`;
}
