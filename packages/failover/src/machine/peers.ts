/** The peers: who is alive, since when, and what a pause of this very process means for that. */
import type {Instant} from '@hactl/base';
import type {Advert} from '../advert.ts';
import {activeDownInterval, listenOnlyTime} from './intervals.ts';
import type {GroupState, PeerState, State} from './state.ts';
import type {Turn} from './turn.ts';

export const initialPeer = (
  name: string,
  nodeIndex: number,
  now: Instant,
  incarnation: bigint,
): PeerState => ({
  incarnation,
  nodeIndex,
  name,
  alive: false,
  late: false,
  known: false,
  heardAt: -Infinity,
  upSince: now,
  downAt: Infinity,
  paths: [],
  saidGoodbye: false,
});

/**
 * Whatever wakes this process: had it not run for a while, it must learn who is Active before it does anything. `dueAt`:
 * when it wanted to be woken.
 */
export function onWake(turn: Turn, state: State, dueAt: Instant): State {
  const {config, now} = turn;
  if (now - dueAt <= config.keepalive) return state;
  // What the peers sent meanwhile is still in the socket; what they did not send proves nothing.
  const downAt = now + activeDownInterval(config, state.nodeIndex);
  const next = {
    ...state,
    peers: state.peers.map((peer) => (peer.alive ? {...peer, downAt: Math.max(peer.downAt, downAt)} : peer)),
  };
  const paused = now - state.sentAt >= config.deadtime;
  if (!paused || !state.peers.some((peer) => peer.known) || state.listenOnlyUntil !== undefined) return next;
  turn.log(
    'warn',
    'paused',
    `this process did not run for ${Math.round(now - state.sentAt)} ms: listening before anything is touched`,
  );
  // It is as a director that has just returned: `hactl_preempt_delay` counts from here.
  return {...next, listenOnlyUntil: now + listenOnlyTime(config), readySince: now};
}

/** Silence: late first, then dead. */
export function checkSilence(turn: Turn, state: State): State {
  const {config, now} = turn;
  return {
    ...state,
    peers: state.peers.map((peer) => {
      if (!peer.alive) return peer;
      const silence = Math.round(now - peer.heardAt);
      if (now >= peer.downAt && state.listenOnlyUntil === undefined) {
        turn.log('warn', 'peer-dead', `${peer.name} is silent for ${silence} ms: dead`, {
          peer: peer.name,
          silence,
        });
        return {...peer, alive: false, late: false, downAt: Infinity};
      }
      if (!peer.late && now - peer.heardAt >= config.warntime) {
        turn.log('warn', 'late-heartbeat', `late heartbeat: ${peer.name} is silent for ${silence} ms`, {
          peer: peer.name,
          silence,
        });
        return {...peer, late: true};
      }
      return peer;
    }),
  };
}

/** An advert that is believed. */
export function onAdvert(turn: Turn, state: State, advert: Advert): State {
  // The peer knows an incarnation of ours that we do not: our state directory was lost. A lower one is never believed.
  const forgotten = turn.config.nodes.length === 2 && advert.echoIncarnation > state.incarnation;
  const incarnation = forgotten ? advert.echoIncarnation + 1n : state.incarnation;
  if (forgotten) turn.emit({type: 'remember-incarnation', incarnation});
  const returns = state.peers.some((peer) => peer.nodeIndex === advert.nodeIndex && !peer.alive);
  return {
    ...state,
    incarnation,
    // Answered at once: it learns that it is heard.
    ...(returns && state.listenOnlyUntil === undefined ? {advertAt: turn.now} : {}),
    groups: state.groups.map(withoutLastResort),
    peers: state.peers.map((peer) =>
      peer.nodeIndex === advert.nodeIndex ? heardPeer(turn, state, peer, advert) : peer,
    ),
  };
}

/** A heartbeat path works again: nothing rests on claims on the LAN any more. */
function withoutLastResort(group: GroupState): GroupState {
  const cleared = group.peerDefendsUntil > -Infinity ? {...group, peerDefendsUntil: -Infinity} : group;
  if (cleared.role !== 'Active' || cleared.lastResortAt === undefined) return cleared;
  const {lastResortAt: _, ...rest} = cleared;
  return rest;
}

function heardPeer(turn: Turn, state: State, peer: PeerState, advert: Advert): PeerState {
  const {config, now} = turn;
  const returns = !peer.alive;
  if (returns) turn.log('info', 'peer-up', `${peer.name} is heard`, {peer: peer.name});
  const paths = Array.from(
    {length: Math.max(peer.paths.length, advert.path + 1)},
    (_, path) => peer.paths[path] ?? -Infinity,
  );
  paths[advert.path] = now;
  // A slower path must not bring back what a faster one has overtaken.
  const newer =
    peer.advert === undefined ||
    advert.incarnation > peer.advert.incarnation ||
    advert.sequence >= peer.advert.sequence;
  return {
    ...peer,
    alive: true,
    late: false,
    known: true,
    incarnation: newer ? advert.incarnation : peer.incarnation,
    heardAt: now,
    upSince: returns || advert.incarnation !== peer.advert?.incarnation ? now : peer.upSince,
    downAt: now + activeDownInterval(config, state.nodeIndex),
    paths,
    saidGoodbye: advert.groups.length > 0 && advert.groups.every((group) => group.priority === 0),
    ...(newer ? {advert} : {}),
  };
}
