/** Collects the options of a command line one by one, refusing them with ipvsadm's messages. Pure. */
import net from 'node:net';
import type {Forward, ServiceKey, SyncDaemon, Transport} from '@hactl/ipvs';
import {netmaskOf, readEndpoint, readHost, type Endpoint} from './endpoints.ts';
import type {KnownNames} from './names.ts';
import type {Kind, Option} from './options.ts';
import {refuse} from './plan.ts';
import type {TunnelType} from './rules.ts';
import {readIpv6, readNumber} from './text.ts';

/** Seconds: 31 days, ipvsadm's maximum. */
export const LONGEST = 31 * 86_400;
const PERSISTENCE = 360;
const INT_MAX = 0x7fff_ffff;
const DEFAULT_SCHEDULER = 'wlc';
/** Length of a name in the kernel's structures, without the terminating NUL. */
const NAME_ROOM = 15;

export const emptyDraft = (): Draft => ({
  given: new Set(),
  key: undefined,
  mask: undefined,
  persistent: undefined,
  scheduler: DEFAULT_SCHEDULER,
  flags: undefined,
  engine: undefined,
  server: undefined,
  forward: 'gate',
  weight: 1,
  upper: 0,
  lower: 0,
  tunnelType: 'ipip',
  tunnelPort: 0,
  daemon: {},
});

/** The options so far. */
export interface Draft {
  readonly given: Set<Kind>;
  key: ServiceKey | undefined;
  /** A mask given before an IPv6 address is ignored. */
  mask: {readonly netmask: number; readonly mask?: string} | undefined;
  persistent: number | undefined;
  scheduler: string;
  flags: string | undefined;
  engine: string | undefined;
  server: Endpoint | undefined;
  forward: Forward;
  weight: number;
  upper: number;
  lower: number;
  tunnelType: TunnelType;
  tunnelPort: number;
  daemon: {-readonly [Name in keyof Omit<SyncDaemon, 'role'>]?: SyncDaemon[Name]};
}

const protocolOf = (draft: Draft): Transport => (draft.key?.kind === 'address' ? draft.key.protocol : 'tcp');

/** A number within its limits, or ipvsadm's error. */
export function number(text: string, low: number, high: number, complaint: string): number {
  const value = readNumber(text, low, high);
  if (value === undefined) throw refuse(complaint);
  return value;
}

function readService(long: string, value: string, draft: Draft, names: KnownNames): void {
  if (long === 'fwmark-service') {
    const mark = number(value, 1, 0xffff_ffff, `invalid fwmark value \`${value}' specified`);
    draft.key = {kind: 'fwmark', family: 4, mark};
    return;
  }
  const protocol: Transport = long === 'tcp-service' ? 'tcp' : long === 'udp-service' ? 'udp' : 'sctp';
  const found = readEndpoint(value, protocol, names);
  if (!found) throw refuse('illegal virtual server address[:port] specified');
  const {family, address, port = 0} = found;
  draft.key = {kind: 'address', family, protocol, address, port};
  if (family === 6) draft.mask = undefined;
}

function readMask(value: string, draft: Draft, names: KnownNames): void {
  if (draft.key?.family === 6) {
    draft.mask = {netmask: number(value, 1, 128, 'illegal ipv6 netmask specified')};
    return;
  }
  const mask = readHost(value, names);
  if (mask === undefined) throw refuse('illegal virtual server persistent mask specified');
  draft.mask = netmaskOf(mask);
}

function readGroup(value: string): string {
  const six = value.includes(':');
  const address = six ? readIpv6(value) : value;
  const good = six ? address?.startsWith('ff') : net.isIPv4(value) && /^(22[4-9]|23\d)\./.test(value);
  if (address === undefined || !good)
    throw refuse(`invalid ${six ? 'IPv6' : 'IPv4'} mcast-group \`${value}'`);
  return address;
}

function readTunnelType(value: string): TunnelType {
  if (value === 'ipip' || value === 'gue' || value === 'gre') return value;
  throw refuse('illegal tunnel type specified');
}

/** Adds one option to the draft. */
export function readOption(
  {long, kind}: Option,
  value: string | undefined,
  draft: Draft,
  names: KnownNames,
): void {
  if (kind !== undefined) {
    if (draft.given.has(kind)) throw refuse(`multiple '${kind}' options specified`);
    draft.given.add(kind);
  }
  const text = value ?? '';
  switch (long) {
    case 'ipv6':
      // ipvsadm prints the empty line after it too.
      if (draft.key?.kind !== 'fwmark') throw refuse('-6 used before -f\n');
      draft.key = {...draft.key, family: 6};
      draft.mask = undefined;
      return;
    case 'scheduler':
      draft.scheduler = text === '' ? DEFAULT_SCHEDULER : text.slice(0, NAME_ROOM);
      return;
    case 'persistent':
      draft.persistent =
        value === undefined
          ? PERSISTENCE
          : number(text, 1, LONGEST, `invalid timeout value \`${text}' specified`);
      return;
    case 'netmask':
      readMask(text, draft, names);
      return;
    case 'pe':
      draft.engine = text.slice(0, NAME_ROOM);
      return;
    case 'sched-flags':
      draft.flags = text;
      return;
    case 'real-server':
      draft.server = readEndpoint(text, protocolOf(draft), names);
      if (!draft.server) throw refuse('illegal real server address[:port] specified');
      return;
    case 'masquerading':
      draft.forward = 'masq';
      return;
    case 'ipip':
      draft.forward = 'ipip';
      return;
    case 'weight':
      draft.weight = number(text, 0, INT_MAX, 'illegal weight specified');
      return;
    case 'u-threshold':
      draft.upper = number(text, 0, INT_MAX, 'illegal u_threshold specified');
      return;
    case 'l-threshold':
      draft.lower = number(text, 0, INT_MAX, 'illegal l_threshold specified');
      return;
    case 'tun-type':
      draft.tunnelType = readTunnelType(text);
      return;
    case 'tun-port':
      draft.tunnelPort = number(text, 1, 65_535, 'illegal tunnel port specified');
      return;
    case 'mcast-interface':
      draft.daemon.interface = text.slice(0, NAME_ROOM);
      return;
    case 'mcast-group':
      draft.daemon.group = readGroup(text);
      return;
    case 'mcast-port':
      draft.daemon.port = number(text, 1, 65_535, 'illegal mcast-port specified');
      return;
    case 'mcast-ttl':
      draft.daemon.ttl = number(text, 1, 255, 'illegal mcast-ttl specified');
      return;
    case 'syncid':
      draft.daemon.syncid = number(text, 0, 255, 'illegal syncid specified');
      return;
    case 'sync-maxlen':
      draft.daemon.maxlen = number(text, 1, 65_507, 'illegal sync-maxlen specified');
      return;
    case 'tcp-service':
    case 'udp-service':
    case 'sctp-service':
    case 'fwmark-service':
      readService(long, text, draft, names);
  }
}
