/**
 * Lines of /proc/net/ip_vs_conn as entries, read once by a sync process that starts with a populated kernel table. The kernel
 * does not print forwarding method, mark and flags there; the method comes from the table of services. Pure.
 */
import {isReservedAddress, type Destination, type Forward, type ObservedService} from '@hactl/ipvs';
import {connectionFlag, encodeSyncMessage, type SyncConnection} from './message.ts';
import {defaultTimeout, HEADER} from './entry.ts';

const protocols: Readonly<Record<string, number>> = {TCP: 6, UDP: 17, SCTP: 132, IP: 0};
/** As the kernel prints them, in the order of its numbers (ip_vs_proto_tcp.c, _udp.c). */
const tcpStates = [
  'NONE', 'ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'FIN_WAIT', 'TIME_WAIT', 'CLOSE', 'CLOSE_WAIT', 'LAST_ACK', 'LISTEN',
  'SYNACK',
]; // prettier-ignore
/** IP_VS_CONN_F_MASQ and its neighbours. */
const methods: Readonly<Record<Forward, number>> = {masq: 0, ipip: 2, gate: 3};
const INACTIVE = 0x100;
const ESTABLISHED = 1;

/** `0A630064` or `fd96:0000:…` (of an older kernel in brackets) → octets. */
function addressOf(text: string): Buffer | undefined {
  if (/^[0-9A-F]{8}$/.test(text)) return Buffer.from(text, 'hex');
  const groups = /^\[?([0-9a-f:]+)\]?$/i.exec(text)?.[1]?.split(':');
  return groups?.length === 8
    ? Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
    : undefined;
}

/** The forwarding method of a destination; if several services share it, any of theirs. */
export function methodsOf(
  services: readonly ObservedService[],
  toBytes: (address: string) => Buffer,
): Map<string, Forward> {
  const found = new Map<string, Forward>();
  for (const {destinations} of services)
    for (const destination of destinations as readonly Destination[])
      found.set(`${toBytes(destination.address).toString('hex')} ${destination.port}`, destination.forward);
  return found;
}

/**
 * Parses one line; undefined for the heading, for an entry about to expire, and for a destination in no service unless
 * `otherwise` is given.
 */
export function entryOfLine(
  line: string,
  forward: ReadonlyMap<string, Forward>,
  otherwise?: Forward,
): {readonly entry: Buffer; readonly remaining: number} | undefined {
  const [protocolName = '', client = '', clientPort = '', virtual = '', virtualPort = '', destination = '', destinationPort = '', state = '', expires = '', peName, peData] =
    line.trim().split(/\s+/); // prettier-ignore
  const protocol = protocols[protocolName];
  const addresses = [addressOf(client), addressOf(virtual), addressOf(destination)];
  const remaining = Number(expires);
  const [from, to, real] = addresses;
  if (protocol === undefined || !from || !to || !real || !(remaining > 0)) return undefined;
  // The pulse's own connections are skipped.
  if (to.length === 4 && isReservedAddress(to.join('.'))) return undefined;
  const port = parseInt(destinationPort, 16);
  const method =
    forward.get(`${real.toString('hex')} ${port}`) ?? forward.get(`${real.toString('hex')} 0`) ?? otherwise;
  if (!method) return undefined;
  // A client without a port is a persistence template.
  const template = parseInt(clientPort, 16) === 0;
  const number = template ? Number(state === 'ASSURED') : protocol === 6 ? tcpStates.indexOf(state) : 0;
  if (number < 0) return undefined;
  const inactive = !template && protocol === 6 && number !== ESTABLISHED;
  const connection: SyncConnection = {
    family: from.length === 4 ? 4 : 6,
    protocol,
    flags: (methods[method] ?? 0) | (template ? connectionFlag.template : inactive ? INACTIVE : 0),
    state: number,
    clientPort: parseInt(clientPort, 16),
    virtualPort: parseInt(virtualPort, 16),
    destinationPort: port,
    fwmark: 0,
    // The kernel prints only the remaining time.
    timeout: Math.max(remaining, template ? 0 : defaultTimeout(protocol, number)),
    client: from,
    virtual: to,
    destination: real,
    ...(peName === undefined || peData === undefined ? {} : {peName, peData: Buffer.from(peData, 'latin1')}),
  };
  return {entry: encodeSyncMessage(0, [connection]).subarray(HEADER), remaining};
}
