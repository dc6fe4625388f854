/** The engine's status, from the current configuration and state. Pure. */
import type {Instant} from '@hactl/base';
import {hearsUs} from '../machine/knowledge.ts';
import {priorityOf} from '../machine/priority.ts';
import type {PeerState} from '../machine/state.ts';
import type {EngineVip, GroupStatus, PathStatus, PeerStatus} from '../messages.ts';
import type {Current} from './current.ts';
import type {Path} from './transport.ts';

/** The state of an address on the interfaces. */
export interface VipView {
  readonly isOnInterface: (vip: EngineVip) => boolean;
  readonly leaseLeft: (vip: EngineVip) => number | undefined;
}

export function groupStatus(
  {config, state}: Current,
  vips: VipView,
  paths: readonly Pick<Path, 'name' | 'error'>[],
  now: Instant,
): GroupStatus[] {
  const isolated = isolation(paths);
  return config.groups.map((group) => {
    const known = state.groups.find(({vrid}) => vrid === group.vrid);
    const problem = known?.blocked ?? known?.refused?.reason ?? known?.withheld ?? isolated;
    return {
      vrid: group.vrid,
      name: group.name,
      role: known?.role ?? 'Initialize',
      priority: known ? priorityOf(config, state, known) : 0,
      preferredNode: group.preferredNode,
      since: known?.since ?? now,
      ...(problem === undefined ? {} : {problem}),
      vips: group.vips.map((vip) => {
        const leaseLeft = vips.leaseLeft(vip);
        return {
          address: vip.address,
          device: vip.device,
          held: vips.isOnInterface(vip),
          ...(leaseLeft === undefined ? {} : {leaseLeft}),
        };
      }),
    };
  });
}

/** Why no adverts are sent or received; undefined: some path works. */
function isolation(paths: readonly Pick<Path, 'name' | 'error'>[]): string | undefined {
  const [first] = paths;
  return first && paths.every(({error}) => error !== undefined)
    ? `no path to the peer works: ${first.name}: ${first.error}`
    : undefined;
}

/** `sources`: the source addresses of a node's adverts. */
export function peerStatus(peer: PeerState, sources: readonly string[], now: Instant): PeerStatus {
  const {advert} = peer;
  return {
    name: peer.name,
    state: !peer.known ? 'unknown' : !peer.alive ? 'dead' : peer.late ? 'late' : 'up',
    ...(peer.known ? {lastHeardAgo: now - peer.heardAt} : {}),
    ...(advert
      ? {
          incarnation: String(advert.incarnation),
          ready: advert.ready,
          configDigest: advert.digest.toString(16).padStart(16, '0'),
          addresses: sources,
        }
      : {}),
    groups: (advert?.groups ?? []).map(({vrid, role, priority, addresses}) => ({
      vrid,
      role,
      priority,
      addresses: addresses.map(({hash}) => hash),
    })),
  };
}

export function pathStatus({config, state}: Current, paths: readonly Path[], now: Instant): PathStatus[] {
  const [peer] = state.peers;
  return paths.map((path, index) => {
    const heardAt = peer?.paths[index];
    return {
      name: path.name,
      hears: heardAt !== undefined && now - heardAt < config.deadtime,
      heard:
        peer?.alive === true &&
        hearsUs(config, state, peer) &&
        ((peer.advert?.heard ?? 0) & (1 << index)) !== 0,
      ...(heardAt === undefined || heardAt === -Infinity ? {} : {lastHeardAgo: now - heardAt}),
      received: path.received,
      sent: path.sent,
      dropped: path.dropped,
      ...(path.error === undefined ? {} : {error: path.error}),
    };
  });
}
