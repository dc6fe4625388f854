/**
 * Connections whose real server was removed from the table (`quiescent=no`): the Active's kernel drops their packets. A
 * director that received such a connection anew would still send them to that real server, because nothing in its table
 * forbids it. Pure.
 *
 * A real server counts as gone if it was in its service and no longer is, while the service exists. One never seen is not
 * gone: after a boot the table fills as the checks pass.
 */
import type {ObservedService, ServiceKey} from '@hactl/ipvs';
import {fixedLength, FIXED_V6, isTemplate, offset} from './entry.ts';

type ToBytes = (address: string) => Buffer;

export interface Gone {
  /** Destinations seen in a service, current ones included; `10.0.0.1 80` as hexadecimal octets and port. */
  readonly seen: Map<string, Set<string>>;
  /** Per service: destinations that were removed. */
  readonly gone: Map<string, Set<string>>;
  /** Addresses of all removed destinations: most entries need no further check. */
  readonly addresses: Set<string>;
}

export const nothingGone = (): Gone => ({seen: new Map(), gone: new Map(), addresses: new Set()});

const protocols = {tcp: 6, udp: 17, sctp: 132} as const;

/** A service as entries name it: `17 0a000064 53`, or `mark 7`. */
export const serviceText = (key: ServiceKey, toBytes: ToBytes): string =>
  key.kind === 'fwmark'
    ? `mark ${key.mark}`
    : `${protocols[key.protocol]} ${toBytes(key.address).toString('hex')} ${key.port}`;

/** Updates from the current table. */
export function noteTable(known: Gone, table: readonly ObservedService[], toBytes: ToBytes): void {
  const services = new Set<string>();
  for (const {service, destinations} of table) {
    const name = serviceText(service.key, toBytes);
    services.add(name);
    const seen = known.seen.get(name) ?? new Set();
    const now = new Set(destinations.map(({address, port}) => `${toBytes(address).toString('hex')} ${port}`));
    for (const server of now) seen.add(server);
    known.seen.set(name, seen);
    const missing = [...seen].filter((server) => !now.has(server));
    if (missing.length > 0) known.gone.set(name, new Set(missing));
    else known.gone.delete(name);
  }
  // An absent service says nothing about its real servers.
  for (const name of known.seen.keys())
    if (!services.has(name)) {
      known.seen.delete(name);
      known.gone.delete(name);
    }
  known.addresses.clear();
  for (const missing of known.gone.values())
    for (const server of missing) known.addresses.add(server.split(' ')[0] ?? '');
}

/**
 * Whether the entry's real server is gone. Only entries that match a service are judged: an FTP data connection has other
 * ports. Templates stay: the kernel checks a template's destination before using it, and a real server that returns gets its
 * clients back.
 */
export function realIsGone(known: Gone, bytes: Buffer, start: number): boolean {
  if (known.addresses.size === 0) return false;
  const six = fixedLength(bytes, start) === FIXED_V6;
  const width = six ? 16 : 4;
  const from = start + offset.addresses;
  const real = bytes.toString('hex', from + 2 * width, from + 3 * width);
  if (!known.addresses.has(real) || isTemplate(bytes, start)) return false;
  const mark = bytes.readUInt32BE(start + offset.fwmark);
  const virtual = bytes.toString('hex', from + width, from + 2 * width);
  const missing = known.gone.get(
    mark > 0
      ? `mark ${mark}`
      : `${bytes[start + offset.protocol]} ${virtual} ${bytes.readUInt16BE(start + offset.virtualPort)}`,
  );
  return (
    missing !== undefined &&
    (missing.has(`${real} ${bytes.readUInt16BE(start + offset.destinationPort)}`) || missing.has(`${real} 0`))
  );
}

const TCP = 6;
const CLOSE = 6;
const INACTIVE = 0x100;

/** The entry as sent to make the peer's kernel and mirror forget it: it expires after a second. */
export function ending(entry: Buffer): Buffer {
  const bytes = Buffer.from(entry);
  if (bytes[offset.protocol] === TCP) {
    bytes.writeUInt16BE(CLOSE, offset.state);
    bytes.writeUInt32BE((bytes.readUInt32BE(offset.flags) | INACTIVE) >>> 0, offset.flags);
  }
  bytes.writeUInt32BE(1, offset.timeout);
  return bytes;
}
