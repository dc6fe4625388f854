/** Which datagrams of a path the kernel drops before the engine sees them, and the TTL of the engine's own. Pure. */
import {
  hopsAre255,
  passAll,
  payloadAtLeast,
  payloadIs,
  payloadLengthAt,
  type FilterInstruction,
  type InterfaceAddress,
  type Link,
} from '@hactl/net';
import ipaddr from 'ipaddr.js';
import {CLUSTER_AT, LENGTH_AT, MAGIC, SHORTEST} from '../advert.ts';
import type {EnginePath} from '../messages.ts';

/** The TTL of a datagram that no router has forwarded (RFC 5082, as in VRRP). */
const UNTOUCHED = 255;
/** heartbeat's TTL for a group that stays on the segment. */
const SEGMENT = 1;

export interface Surroundings {
  readonly cluster: bigint;
  readonly links: readonly Link[];
  /** Used for `ucast` lines only. */
  readonly addresses: () => readonly InterfaceAddress[];
}

/** Whether the peer of a `ucast` line is reached without a router. */
function isNeighbour(path: EnginePath & {readonly kind: 'ucast'}, {links, addresses}: Surroundings): boolean {
  const peer = ipaddr.parse(path.peer);
  if (peer.range() === 'linkLocal') return true;
  const index = links.find(({name}) => name === path.device)?.index;
  return addresses().some((local) => {
    if (local.index !== index) return false;
    const address = ipaddr.parse(local.address);
    return address.kind() === peer.kind() && peer.match(address, local.prefixLength);
  });
}

const isLinkLocalGroup = (group: string): boolean => /^(?:224\.0\.0\.|ff[0-9a-f]2:)/i.test(group);

/** Whether the peer's datagrams reach this path without a router. */
const staysOnLink = (path: EnginePath, around: Surroundings): boolean => {
  if (path.kind === 'bcast') return true;
  return path.kind === 'mcast'
    ? path.ttl === SEGMENT || isLinkLocalGroup(path.group)
    : isNeighbour(path, around);
};

/** TTL or hop limit of the adverts on a path: a group that `ha.cf` routes keeps its own. */
export const sentHops = (path: EnginePath, around: Surroundings): number =>
  path.kind === 'mcast' && !staysOnLink(path, around) ? path.ttl : UNTOUCHED;

/**
 * Whether a path's socket may require a TTL of 255. Sockets of one interface and port share all non-multicast datagrams: a
 * routed `ucast` line opens them all.
 */
export function insistsOnLink(path: EnginePath, paths: readonly EnginePath[], around: Surroundings): boolean {
  if (path.kind === 'mcast') return staysOnLink(path, around);
  return paths.every(
    (other) =>
      other.kind === 'mcast' ||
      other.device !== path.device ||
      other.port !== path.port ||
      staysOnLink(other, around),
  );
}

/**
 * Accepts datagrams with an advert's magic, a correct length and our cluster's number that no router forwarded. The version is
 * not checked: a peer with another release must be reported.
 */
export const advertFilter = (family: 4 | 6, cluster: bigint, onLink: boolean): FilterInstruction[] =>
  passAll([
    payloadAtLeast(SHORTEST),
    payloadIs(32, 0, MAGIC),
    payloadLengthAt(LENGTH_AT),
    payloadIs(32, CLUSTER_AT, Number(cluster >> 32n)),
    payloadIs(32, CLUSTER_AT + 4, Number(cluster & 0xffff_ffffn)),
    ...(onLink ? [hopsAre255(family)] : []),
  ]);
