/** What the peers' adverts prove. Pure queries. */
import type {Instant} from '@hactl/base';
import type {Advert, AdvertGroup} from '../advert.ts';
import {addressHash} from '../auth.ts';
import type {EngineConfig, EngineGroup} from '../messages.ts';
import {echoTime, echoWindow, FRESH_ECHO} from './intervals.ts';
import type {ActiveGroup, PeerState, State} from './state.ts';

/**
 * The peer's report on a group. While the configurations differ the peer may identify the group by another first address: then
 * take its group that holds one of these addresses, else one configured with one of them.
 */
export function reportOf(
  peer: PeerState,
  group: Pick<EngineGroup, 'vrid' | 'vips'> | undefined,
): AdvertGroup | undefined {
  const reports = peer.advert?.groups;
  if (!reports || !group) return undefined;
  const same = reports.find(({vrid}) => vrid === group.vrid);
  if (same) return same;
  const hashes = new Set(group.vips.map(({address}) => addressHash(address)));
  const holds = reports.find(({addresses}) =>
    addresses.some(({hash, assigned}) => assigned && hashes.has(hash)),
  );
  return holds ?? reports.find(({addresses}) => addresses.some(({hash}) => hashes.has(hash)));
}

/** A live peer that has the address on an interface, in a group other than this one. */
export function heldElsewhere(
  state: State,
  group: Pick<EngineGroup, 'vrid' | 'vips'>,
  address: string,
): {readonly peer: PeerState; readonly report: AdvertGroup} | undefined {
  const hash = addressHash(address);
  for (const peer of state.peers) {
    if (!peer.alive) continue;
    const same = reportOf(peer, group);
    const report = peer.advert?.groups.find(
      (candidate) =>
        candidate !== same && candidate.addresses.some((held) => held.assigned && held.hash === hash),
    );
    if (report) return {peer, report};
  }
  return undefined;
}

/** Whether the peer hears us. With more than two nodes the echo covers only one of them, so silence proves nothing. */
export function hearsUs(config: EngineConfig, state: State, peer: PeerState): boolean {
  if (config.nodes.length > 2) return true;
  const {advert} = peer;
  return (
    advert?.echoIncarnation === state.incarnation &&
    advert.echoSequence > 0n &&
    // By its own report it has not heard us on any path within deadtime.
    advert.heard !== 0 &&
    state.sequence - advert.echoSequence <= echoWindow(config)
  );
}

/** Whether it has heard one of our last adverts, not just one within deadtime. */
export const hearsUsNow = (config: EngineConfig, state: State, peer: PeerState): boolean =>
  hearsUs(config, state, peer) &&
  (config.nodes.length > 2 || state.sequence - (peer.advert?.echoSequence ?? 0n) <= FRESH_ECHO);

/**
 * The peer is starting with addresses left by its earlier process, and does not hear who is Active. It keeps them, and takes
 * the group when its initdead expires.
 */
export const keepsLeftover = (
  config: EngineConfig,
  state: State,
  peer: PeerState,
  report: AdvertGroup | undefined,
): boolean =>
  peer.alive &&
  report?.role === 'Initialize' &&
  report.addresses.some(({assigned}) => assigned) &&
  !hearsUs(config, state, peer);

/** Heard for long enough that its echo would include us if it heard us: a returning peer is answered at once. */
export const heardLongEnough = (config: EngineConfig, peer: PeerState, now: Instant): boolean =>
  now - peer.upSince > echoTime(config);

/** An earlier incarnation's sequences do not compare with this one's. */
const echoesBefore = (
  {echoIncarnation, echoSequence}: Advert,
  {incarnation, sequence}: NonNullable<ActiveGroup['activeAdvert']>,
): boolean => echoIncarnation < incarnation || (echoIncarnation === incarnation && echoSequence < sequence);

/**
 * Its adverts arrive, but it has not heard that this director took the group. If adverts come irregularly, its answer does too:
 * yielding to a busy peer would only move the address back and forth. A peer that hands over heard us a moment ago, and is busy
 * with it: it is about to stop, or has the barrier behind it.
 */
export const missedOurTakeover = (
  config: EngineConfig,
  group: ActiveGroup,
  peer: PeerState,
  handsOver: boolean,
): boolean =>
  config.nodes.length === 2 &&
  peer.arrivedAt - group.since >
    echoTime(config) + 2 * Math.max(peer.jitter, handsOver ? config.keepalive : 0) &&
  (group.activeAdvert === undefined ||
    peer.advert === undefined ||
    echoesBefore(peer.advert, group.activeAdvert));

/** It hears us, but sent this before it could hear that this director took the group: it is the holder of before. */
export const precedesOurTakeover = (
  state: State,
  {activeAdvert}: ActiveGroup,
  {advert}: PeerState,
): boolean =>
  advert?.echoIncarnation === state.incarnation &&
  (activeAdvert === undefined || echoesBefore(advert, activeAdvert));

/** Equal priorities: the node listed first in ha.cf wins. */
export const outranks = (
  priority: number,
  nodeIndex: number,
  ownPriority: number,
  ownNodeIndex: number,
): boolean => priority > ownPriority || (priority === ownPriority && nodeIndex < ownNodeIndex);

/** No peer is heard, but one may be alive: it neither announced its shutdown nor was fenced. */
export const mayLiveUnheard = (state: State): boolean =>
  !anyAlive(state) && state.peers.some((peer) => !peer.saidGoodbye && !peer.fenced);

export const anyAlive = (state: State): boolean => state.peers.some((peer) => peer.alive);
