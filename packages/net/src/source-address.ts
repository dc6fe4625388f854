/**
 * heartbeat's IPsrcaddr: sets the source address of the default routes, and restores the routes on stop.
 * The routes' octets are kept as read from the kernel, so that all other attributes survive. The former routes are also saved on
 * disk, because the kernel removes a route together with its source address.
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
/** RTNH_F_PERVASIVE and RTNH_F_ONLINK; the other flags are the kernel's own state of the link. */
const SETTABLE = 0x06;
const RTA = {DST: 1, OIF: 4, PREFSRC: 7, CACHEINFO: 12, TABLE: 15} as const;
const MAIN_TABLE = 254;
const RTN_UNICAST = 1;

export interface SourceAddress {
  /** Is it the source of a default route? */
  inUse(): boolean;
  /** Throws if the address is not on this machine, or if there is no default route. */
  start(): void;
  stop(): void;
}

/** The route with another source, or without one. */
export function withSource(route: Uint8Array, source: string | undefined): Buffer {
  const head = Buffer.from(route.subarray(0, HEAD));
  head.writeUInt32LE(head.readUInt32LE(FLAGS) & SETTABLE, FLAGS);
  const parts: Buffer[] = [head];
  for (const [type, value] of readAttributes(Buffer.from(route.subarray(HEAD))))
    if (type !== RTA.PREFSRC && type !== RTA.CACHEINFO) parts.push(attribute(type, value));
  if (source !== undefined) parts.push(attribute(RTA.PREFSRC, addressBytes(source)));
  return Buffer.concat(parts);
}

/** The source address of a route. */
export function sourceOf(route: Uint8Array): string | undefined {
  const bytes = readAttributes(Buffer.from(route.subarray(HEAD))).get(RTA.PREFSRC);
  return bytes && addressText(bytes);
}

const isDefault = (route: Buffer): boolean => {
  const attributes = readAttributes(route.subarray(HEAD));
  const table = attributes.get(RTA.TABLE)?.readUInt32LE(0) ?? route[4];
  return route[1] === 0 && route[7] === RTN_UNICAST && table === MAIN_TABLE;
};

/** Works in the thread's network namespace; `memory` is the file for the former routes. */
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
  /** Of several default routes, those on the address's interface; all of them if none is. */
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
      // Without the saved routes, the source can at least be removed.
      else for (const route of defaults()) if (sourceOf(route) === address) put(withSource(route, undefined));
      rmSync(memory, {force: true});
    },
  };
}
