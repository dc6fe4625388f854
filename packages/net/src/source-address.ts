/**
 * heartbeat's IPsrcaddr: the default routes get a source address of ours, and their former form comes back at the stop.
 * The routes' octets are kept as the kernel gave them: whatever else a route has, it keeps. The former routes are on
 * disk too, for the kernel removes a route together with the source address that it names.
 */
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {addressBytes, addressText} from './address-text.ts';
import {attribute, readAttributes} from './attributes.ts';
import {openAddresses} from './addresses.ts';
import {netlinkFlag, openDirect} from './netlink-direct.ts';
import {abi} from './sys.ts';

const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const HEAD = 12;
const FLAGS = 8;
/** RTNH_F_PERVASIVE and RTNH_F_ONLINK; the others are the kernel's own words about the link. */
const SETTABLE = 0x06;
const RTA = {DST: 1, OIF: 4, PREFSRC: 7, CACHEINFO: 12, TABLE: 15} as const;
const MAIN_TABLE = 254;
const RTN_UNICAST = 1;

export interface SourceAddress {
  /** Does a default route have it as its source. */
  inUse(): boolean;
  /** Throws when the address is not on this machine, or when there is no default route. */
  start(): void;
  stop(): void;
}

/** A route with another source, or with none. */
export function withSource(route: Uint8Array, source: string | undefined): Buffer {
  const head = Buffer.from(route.subarray(0, HEAD));
  head.writeUInt32LE(head.readUInt32LE(FLAGS) & SETTABLE, FLAGS);
  const parts: Buffer[] = [head];
  for (const [type, value] of readAttributes(Buffer.from(route.subarray(HEAD))))
    if (type !== RTA.PREFSRC && type !== RTA.CACHEINFO) parts.push(attribute(type, value));
  if (source !== undefined) parts.push(attribute(RTA.PREFSRC, addressBytes(source)));
  return Buffer.concat(parts);
}

/** The source that a route names. */
export function sourceOf(route: Uint8Array): string | undefined {
  const bytes = readAttributes(Buffer.from(route.subarray(HEAD))).get(RTA.PREFSRC);
  return bytes && addressText(bytes);
}

const isDefault = (route: Buffer): boolean => {
  const attributes = readAttributes(route.subarray(HEAD));
  const table = attributes.get(RTA.TABLE)?.readUInt32LE(0) ?? route[4];
  return route[1] === 0 && route[7] === RTN_UNICAST && table === MAIN_TABLE;
};

/** Speaks to the kernel of the thread's network namespace; `memory` is the file for the former routes. */
export function openSourceAddress(address: string, memory: string): SourceAddress {
  const family = address.includes(':') ? abi.AF_INET6 : abi.AF_INET;

  function withSocket<Result>(work: (socket: ReturnType<typeof openDirect>) => Result): Result {
    const socket = openDirect(0);
    try {
      return work(socket);
    } finally {
      socket.close();
    }
  }
  const defaults = (): Buffer[] => {
    const head = Buffer.alloc(HEAD);
    head[0] = family;
    return withSocket((socket) =>
      socket.request(RTM_GETROUTE, netlinkFlag.DUMP, head, {op: 'list', target: 'routes'}),
    ).filter(isDefault);
  };
  const put = (route: Buffer): void => {
    withSocket((socket) =>
      socket.request(RTM_NEWROUTE, netlinkFlag.CREATE | netlinkFlag.REPLACE, route, {
        op: 'set source of',
        target: 'the default route',
      }),
    );
  };
  const former = (): Buffer[] => {
    try {
      return (JSON.parse(readFileSync(memory, 'utf8')) as string[]).map((hex) => Buffer.from(hex, 'hex'));
    } catch {
      return [];
    }
  };
  /** Of several default routes those of the address's own interface; all of them when it is on none of theirs. */
  function ours(): Buffer[] {
    const all = defaults();
    const addresses = openAddresses();
    const index = addresses.list().find((entry) => entry.address === address)?.index;
    addresses.close();
    if (index === undefined) throw new Error(`${address} is not on this machine`);
    const out = (route: Buffer): number | undefined =>
      readAttributes(route.subarray(HEAD)).get(RTA.OIF)?.readUInt32LE(0);
    const buffers = all.filter((route) => out(route) === index);
    return buffers.length > 0 ? buffers : all;
  }

  return {
    inUse: () => defaults().some((route) => sourceOf(route) === address),
    start: () => {
      const routes = ours().filter((route) => sourceOf(route) !== address);
      if (routes.length === 0 && !defaults().some((route) => sourceOf(route) === address))
        throw new Error('there is no default route');
      if (routes.length > 0)
        writeFileSync(
          memory,
          JSON.stringify(routes.map((route) => withSource(route, sourceOf(route)).toString('hex'))),
        );
      for (const route of routes) put(withSource(route, address));
    },
    stop: () => {
      const known = former();
      if (known.length > 0) for (const route of known) put(route);
      // Whoever lost the memory can at least take the source off again.
      else for (const route of defaults()) if (sourceOf(route) === address) put(withSource(route, undefined));
      rmSync(memory, {force: true});
    },
  };
}
