/**
 * UDP flows of a real server that failed. UDP has no connection to wait for: a client that keeps its port would be sent to that
 * server until its entry expires, five minutes after its last packet. Two cases that the kernel does not end by itself:
 *
 * - `quiescent=yes`: the server is in the table with weight 0, and each packet prolongs the entry;
 * - the server left the table: packets are dropped until the entry expires, unless expire_nodest_conn is set, which would
 *   also end TCP connections that continue when the server returns.
 *
 * No netlink operation deletes one connection. A sync message with another destination does: the kernel expires the entry and
 * makes a new one, with the destination of the message. So each flow is moved to a server of the same service. Pure.
 */
import type {ObservedService} from '@hactl/ipvs';
import {fixedLength, FIXED_V6, isTemplate, offset} from './entry.ts';
import type {FailedServer} from './messages.ts';
import {serviceText} from './prune.ts';

type ToBytes = (address: string) => Buffer;

const UDP = 17;
const INACTIVE = 0x100;
/** IP_VS_CONN_F_FWD_MASK. */
const METHOD = 0x07;
const methods = {masq: 0, ipip: 2, gate: 3} as const;

interface Target {
  readonly address: Buffer;
  readonly port: number;
  readonly method: number;
  /** The sum of the weights up to this server. */
  readonly bound: number;
}

interface Route {
  /** Per server in the table (`0a000001 53`): whether its flows move. */
  readonly present: ReadonlyMap<string, boolean>;
  /** Whether flows to servers that are not in the table move. */
  readonly absent: boolean;
  /** Servers that get traffic. */
  readonly targets: readonly Target[];
  /** Bits of the client's address that select its server; undefined: address and port do. */
  readonly persistentBits?: number;
}

/** By service; only those whose flows may have to move. */
export type Routes = ReadonlyMap<string, Route>;

/**
 * The routes of the UDP services. `failed`: servers whose flows move while they are in the table with weight 0. `absent`:
 * whether flows to servers that are not in the table move, too. A service without a server that gets traffic has no route:
 * its flows stay.
 */
export function routesOf(
  services: readonly ObservedService[],
  failed: readonly FailedServer[],
  absent: boolean,
  toBytes: ToBytes,
): Routes {
  const serverText = (server: {readonly address: string; readonly port: number}): string =>
    `${toBytes(server.address).toString('hex')} ${server.port}`;
  const dead = new Set(
    failed.map((server) => `${serviceText(server.service, toBytes)} > ${serverText(server)}`),
  );
  const routes = new Map<string, Route>();
  for (const {service, destinations} of services) {
    if (service.key.kind !== 'address' || service.key.protocol !== 'udp') continue;
    const name = serviceText(service.key, toBytes);
    const present = new Map(
      destinations.map((destination): [string, boolean] => {
        const server = serverText(destination);
        return [server, destination.weight === 0 && dead.has(`${name} > ${server}`)];
      }),
    );
    const serving = destinations.filter(({weight, family}) => weight > 0 && family === service.key.family);
    const targets = serving.map(({address, port, forward}, at): Target => ({
      address: toBytes(address),
      port,
      method: methods[forward],
      bound: serving.slice(0, at + 1).reduce((sum, {weight}) => sum + weight, 0),
    }));
    if (targets.length === 0 || (!absent && ![...present.values()].includes(true))) continue;
    const persistence = service.persistent === undefined ? {} : {persistentBits: service.netmask};
    routes.set(name, {present, absent, targets, ...persistence});
  }
  return routes;
}

/** What of the client selects its server: its network with persistence, else its address and port. */
function clientOctets(entry: Buffer, width: number, persistentBits: number | undefined): number[] {
  const address = [...entry.subarray(offset.addresses, offset.addresses + width)];
  if (persistentBits === undefined)
    return [...address, ...entry.subarray(offset.clientPort, offset.clientPort + 2)];
  return address.map(
    (octet, at) => octet & (0xff00 >> Math.min(8, Math.max(0, persistentBits - 8 * at))) & 0xff,
  );
}

/** FNV-1a, and a mixing step, because neighbouring ports differ in few bits: the same on both directors. */
function hashOf(octets: readonly number[]): number {
  const hash = octets.reduce((sum, octet) => Math.imul(sum ^ octet, 0x01000193) >>> 0, 0x811c9dc5);
  return Math.imul(hash ^ (hash >>> 16), 0x45d9f3b) >>> 0;
}

/** Each server in the proportion of its weight. */
function targetOf({targets}: Route, hash: number): Target | undefined {
  const total = targets.at(-1)?.bound ?? 1;
  return targets.find(({bound}) => hash % total < bound);
}

/**
 * The two entries that move a flow, in the order of their sending; undefined: it stays. The kernel replaces an entry only for
 * a message of an active connection; its own UDP entries count as inactive, so the second message makes it that again.
 */
export function movedFlow(routes: Routes, entry: Buffer): readonly [Buffer, Buffer] | undefined {
  if (entry[offset.protocol] !== UDP || isTemplate(entry, 0)) return undefined;
  const width = fixedLength(entry, 0) === FIXED_V6 ? 16 : 4;
  const from = offset.addresses;
  const virtual = entry.toString('hex', from + width, from + 2 * width);
  const port = entry.readUInt16BE(offset.virtualPort);
  const route = routes.get(`${UDP} ${virtual} ${port}`) ?? routes.get(`${UDP} ${virtual} 0`);
  if (!route) return undefined;
  const server = entry.toString('hex', from + 2 * width, from + 3 * width);
  const moves =
    route.present.get(`${server} ${entry.readUInt16BE(offset.destinationPort)}`) ??
    route.present.get(`${server} 0`) ??
    route.absent;
  if (!moves) return undefined;
  const target = targetOf(route, hashOf(clientOctets(entry, width, route.persistentBits)));
  if (!target) return undefined;
  const first = Buffer.from(entry);
  target.address.copy(first, from + 2 * width);
  first.writeUInt16BE(target.port || port, offset.destinationPort);
  const flags = ((entry.readUInt32BE(offset.flags) & ~(METHOD | INACTIVE)) | target.method) >>> 0;
  first.writeUInt32BE(flags, offset.flags);
  const second = Buffer.from(first);
  second.writeUInt32BE((flags | INACTIVE) >>> 0, offset.flags);
  return [first, second];
}

/** Client and virtual address and port: what the kernel looks a flow up by. */
export function flowText(entry: Buffer): string {
  const width = fixedLength(entry, 0) === FIXED_V6 ? 16 : 4;
  return (
    entry.toString('latin1', offset.clientPort, offset.clientPort + 4) +
    entry.toString('latin1', offset.addresses, offset.addresses + 2 * width)
  );
}

/** What one reading of the kernel's list found. */
export interface Reading {
  /** By flow: the two entries that move it. */
  readonly moving: Map<string, readonly [Buffer, Buffer]>;
  /** Flows of `moved` that are listed with a server whose flows stay. */
  readonly arrived: Set<string>;
}

/**
 * Adds a listed entry to the reading. `moved`: flows that earlier readings moved. The kernel keeps a replaced entry for another
 * minute if a packet held it at that moment (ip_vs_conn_expire): the flow is listed twice then, and only the entry that
 * replaced it is used.
 */
export function readEntry(reading: Reading, routes: Routes, moved: ReadonlySet<string>, entry: Buffer): void {
  const pair = movedFlow(routes, entry);
  if (pair) reading.moving.set(flowText(entry), pair);
  else if (moved.size > 0 && moved.has(flowText(entry))) reading.arrived.add(flowText(entry));
}

/** The entries that move the flows which have not arrived at another server. */
export const entriesToMove = ({moving, arrived}: Reading): Buffer[] =>
  [...moving].flatMap(([flow, pair]) => (arrived.has(flow) ? [] : pair));
