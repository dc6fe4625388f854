/** Addresses with ports, firewall marks, masks and flags on the command line. Pure. */
import type {Family, ServiceFlags, Transport} from '@hactl/ipvs';
import type {KnownNames} from './names.ts';
import {Left, refuse} from './plan.ts';
import {readIpv4, readIpv6, readNumber} from './text.ts';

export interface Endpoint {
  readonly family: Family;
  readonly address: string;
  /** Undefined: none given. */
  readonly port?: number;
}

/** An IPv4 address, or a host name with one. Throws a lookup if the name is unknown. */
export function readHost(text: string, names: KnownNames): string | undefined {
  const address = readIpv4(text);
  if (address !== undefined || text === '') return address;
  const known = names.hosts.get(text);
  if (known === undefined) throw new Left({type: 'lookup', host: text});
  return known ?? undefined;
}

const readPort = (text: string, protocol: Transport, names: KnownNames): number | undefined =>
  readNumber(text, 0, 65_535) ?? names.services.port(text, protocol);

/**
 * `host`, `host:port`, `[IPv6]:port` or a bare IPv6 address. Brackets need a port; around anything but IPv6 the port
 * is read past, as ipvsadm does.
 */
export function readEndpoint(text: string, protocol: Transport, names: KnownNames): Endpoint | undefined {
  const bracketed = /^\[([^\]]*)\]:(.+)$/s.exec(text);
  if (text.startsWith('[')) {
    if (!bracketed) return undefined;
    const [, inside = '', portText = ''] = bracketed;
    const six = readIpv6(inside);
    if (six === undefined) {
      const address = readHost(inside, names);
      return address === undefined ? undefined : {family: 4, address};
    }
    const port = readPort(portText, protocol, names);
    return port === undefined ? undefined : {family: 6, address: six, port};
  }
  const six = readIpv6(text);
  if (six !== undefined) return {family: 6, address: six};
  const colon = text.indexOf(':');
  const host = colon < 0 ? text : text.slice(0, colon);
  const address = readHost(host, names);
  if (address === undefined) return undefined;
  if (colon < 0) return {family: 4, address};
  const port = readPort(text.slice(colon + 1), protocol, names);
  return port === undefined ? undefined : {family: 4, address, port};
}

/** Prefix length of a contiguous mask; other masks are kept unchanged. */
export function netmaskOf(mask: string): {readonly netmask: number; readonly mask?: string} {
  const bits = mask
    .split('.')
    .map((octet) => Number(octet).toString(2).padStart(8, '0'))
    .join('');
  const ones = bits.replaceAll('0', '').length;
  return bits.indexOf('0') === -1 || !bits.slice(bits.indexOf('0')).includes('1')
    ? {netmask: ones}
    : {netmask: ones, mask};
}

type FlagName = 'flag1' | 'flag2' | 'flag3';

const flagNames: Readonly<Record<string, {readonly flag: FlagName; readonly scheduler?: string}>> = {
  'flag-1': {flag: 'flag1'},
  'flag-2': {flag: 'flag2'},
  'flag-3': {flag: 'flag3'},
  'sh-fallback': {flag: 'flag1', scheduler: 'sh'},
  'sh-port': {flag: 'flag2', scheduler: 'sh'},
  'mh-fallback': {flag: 'flag1', scheduler: 'mh'},
  'mh-port': {flag: 'flag2', scheduler: 'mh'},
};

/** The comma-separated list after `-b`; a scheduler's own names are only valid with that scheduler. */
export function readFlags(text: string, scheduler: string, ops: boolean): ServiceFlags {
  const found = {ops, flag1: false, flag2: false, flag3: false};
  for (const name of text.split(',').filter((text) => text !== '')) {
    const known = Object.hasOwn(flagNames, name) ? flagNames[name] : undefined;
    if (!known) throw refuse(`invalid scheduler flag \`${name}'`);
    if (known.scheduler !== undefined && known.scheduler !== scheduler)
      throw refuse(`incompatible scheduler flag \`${name}'`);
    found[known.flag] = true;
  }
  return found;
}

/** The set flags, with the scheduler's own names if it has them. */
export function writeFlags(flags: ServiceFlags, scheduler: string): string {
  const hasFlags = scheduler === 'sh' || scheduler === 'mh';
  const names: readonly (readonly [boolean, string])[] = [
    [flags.flag1, hasFlags ? `${scheduler}-fallback` : 'flag-1'],
    [flags.flag2, hasFlags ? `${scheduler}-port` : 'flag-2'],
    // sh and mh have no third flag: ipvsadm prints nothing for it.
    [flags.flag3 && !hasFlags, 'flag-3'],
  ];
  return names
    .filter(([set]) => set)
    .map(([, name]) => name)
    .join(',');
}
