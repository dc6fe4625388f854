/** The peers: which are alive, since when, and the effect of a pause of this process. */
import type {Instant, Millis} from '@hactl/base';
import type {Advert} from '../advert.ts';
import type {EngineConfig} from '../messages.ts';
import {incarnationAfter} from '../replay.ts';
import {
  activeDownInterval,
  asksKernel,
  claimPrecedesAdvert,
  kernelAnswerHolds,
  kernelQuestionLead,
  KERNEL_ANSWER,
  listenOnlyTime,
  oversleptTime,
  stalledTime,
} from './intervals.ts';
import type {GroupState, PeerState, State} from './state.ts';
import type {Turn} from './turn.ts';

export const initialPeer = (
  name: string,
  nodeIndex: number,
  now: Instant,
  incarnation: bigint,
  proven: boolean,
): PeerState => ({
  incarnation,
  nodeIndex,
  name,
  alive: false,
  late: false,
  known: false,
  // With more than two nodes an echo says nothing about the others.
  proven,
  heardAt: -Infinity,
  arrivedAt: -Infinity,
  jitter: 0,
  upSince: now,
  downAt: Infinity,
  kernel: 'not-asked',
  paths: [],
  saidGoodbye: false,
  fenced: false,
});

/**
 * On every wake-up: a process that was suspended must learn who is Active before it acts. `dueAt`: when its timer was due.
 */
export function onWake(turn: Turn, state: State, dueAt: Instant): State {
  const {config, now} = turn;
  if (now - dueAt <= oversleptTime(config)) return state;
  // Adverts sent meanwhile are still in the socket; missing ones prove nothing.
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
  // It counts as a director that has just returned: `hactl_preempt_delay` starts here.
  return {...next, listenOnlyUntil: now + listenOnlyTime(config), readySince: now};
}

/** Whether an answer of its kernel could still put off the peer's death. */
const mayAsk = (config: EngineConfig, {kernel, downAt, heardAt}: PeerState): boolean =>
  asksKernel(config) &&
  (kernel === 'not-asked' || kernel === 'answered') &&
  downAt < heardAt + stalledTime(config);

/** When something is to be done about a peer's silence. */
export const silenceDeadline = (config: EngineConfig, peer: PeerState): Instant =>
  mayAsk(config, peer) ? peer.downAt - kernelQuestionLead(config, peer.kernel === 'answered') : peer.downAt;

/** Shortly before a peer counts as dead, while there is time for an answer. */
function askKernel({config, now, emit}: Turn, state: State, peer: PeerState): PeerState {
  if (now < silenceDeadline(config, peer) || !mayAsk(config, peer)) return peer;
  if (state.listenOnlyUntil !== undefined) return peer;
  emit({type: 'ask-kernel', nodeIndex: peer.nodeIndex});
  return {...peer, kernel: 'asked', downAt: Math.max(peer.downAt, now + KERNEL_ANSWER)};
}

/**
 * Its process does not run, or not in time. Its kernel serves: there is more time, but not all of `stalledTime` at once. A machine
 * that loses its power right after this answer does not give the next one.
 */
export function onKernelAnswer({config, now}: Turn, state: State, nodeIndex: number): State {
  return {
    ...state,
    peers: state.peers.map((peer) => {
      if (peer.nodeIndex !== nodeIndex || !peer.alive || peer.kernel !== 'asked') return peer;
      const until = Math.min(now + kernelAnswerHolds(config), peer.heardAt + stalledTime(config));
      return {...peer, kernel: 'answered', downAt: Math.max(peer.downAt, until)};
    }),
  };
}

/**
 * The peer claims an address on the LAN: its process runs, and its advert follows. If it was not heard for deadtime, its kernel's
 * answer was no sign of a stall, and if no advert follows, no heartbeat path works. Only where the kernel is asked: with a longer
 * deadtime a claim is nearer to the advert before it than to the peer's death.
 */
export function onPeerClaim(turn: Turn, state: State): State {
  const {config, now} = turn;
  const until = now + claimPrecedesAdvert(config);
  return checkSilence(turn, {
    ...state,
    peers: state.peers.map((peer) => {
      if (!peer.alive || !asksKernel(config)) return peer;
      if (now - peer.heardAt < config.deadtime) return {...peer, downAt: Math.max(peer.downAt, until)};
      return peer.kernel === 'asked' || peer.kernel === 'answered'
        ? {...peer, kernel: 'overruled', downAt: until}
        : peer;
    }),
  });
}

/** Silence: late first, then dead. */
export function checkSilence(turn: Turn, state: State): State {
  const {config, now} = turn;
  return {
    ...state,
    peers: state.peers.map((found) => {
      if (!found.alive) return found;
      const peer = askKernel(turn, state, found);
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

/** An advert from a peer with a new sequence on its path. */
export function onAdvert(turn: Turn, state: State, advert: Advert, waited: Millis = 0): State {
  const peer = state.peers.find(({nodeIndex}) => nodeIndex === advert.nodeIndex);
  if (!peer) return state;
  const edit = (changed: PeerState): readonly PeerState[] =>
    state.peers.map((candidate) => (candidate === peer ? changed : candidate));
  if (!isNewest(peer, advert)) {
    // Delayed on this path, or replayed: it shows that the path works, not that the peer is alive.
    return {...state, peers: edit({...peer, paths: heardOn(peer, advert.path, turn.now)})};
  }
  const {incarnation, sequence} = advert;
  const next = ownLife(turn, state, advert);
  const proven = peer.proven || (advert.echoIncarnation === next.incarnation && advert.echoSequence > 0n);
  if (!proven)
    return {
      ...next,
      advertAt: turn.now,
      peers: edit({...peer, newest: {incarnation, sequence}, paths: heardOn(peer, advert.path, turn.now)}),
    };
  return {
    ...next,
    // Answered at once, so that the peer learns that it is heard.
    ...(!peer.alive && state.listenOnlyUntil === undefined ? {advertAt: turn.now} : {}),
    groups: state.groups.map(withoutLastResort),
    peers: edit(heardPeer(turn, state, {...peer, proven, newest: {incarnation, sequence}}, advert, waited)),
  };
}

/** Newer than everything received from this peer on any path. */
const isNewest = ({newest}: PeerState, {incarnation, sequence}: Advert): boolean =>
  newest === undefined ||
  incarnation > newest.incarnation ||
  (incarnation === newest.incarnation && sequence > newest.sequence);

/**
 * The peer knows a later incarnation of ours: our state directory was lost, or somebody with a key impersonated us. Continue
 * above everything it knows: an earlier incarnation is never accepted.
 */
function ownLife(turn: Turn, state: State, {echoIncarnation, echoSequence}: Advert): State {
  if (turn.config.nodes.length !== 2) return state;
  const later =
    echoIncarnation > state.incarnation ||
    (echoIncarnation === state.incarnation && echoSequence > state.sequence);
  if (!later) return state;
  const incarnation = incarnationAfter(echoIncarnation);
  turn.emit({type: 'remember-incarnation', incarnation});
  return {...state, incarnation, advertAt: turn.now};
}

function heardOn(peer: PeerState, path: number, now: Instant): readonly Instant[] {
  const paths = Array.from(
    {length: Math.max(peer.paths.length, path + 1)},
    (_, at) => peer.paths[at] ?? -Infinity,
  );
  paths[path] = now;
  return paths;
}

/** A heartbeat path works again: claims on the LAN no longer matter. */
function withoutLastResort(group: GroupState): GroupState {
  const cleared = group.peerDefendsUntil > -Infinity ? {...group, peerDefendsUntil: -Infinity} : group;
  if (cleared.role !== 'Active' || cleared.lastResortAt === undefined) return cleared;
  const {lastResortAt: _, ...rest} = cleared;
  return rest;
}

/** The part of an irregular interval that still counts one advert later. */
const JITTER_DECAY = 0.7;

function jitterOf({keepalive}: EngineConfig, {heardAt, jitter}: PeerState, now: Instant): Millis {
  const excess = Math.min(now - heardAt - keepalive, keepalive);
  return Math.max(0, excess, JITTER_DECAY * jitter);
}

function heardPeer(turn: Turn, state: State, peer: PeerState, advert: Advert, waited: Millis): PeerState {
  const {config, now} = turn;
  const returns = !peer.alive;
  if (returns) turn.log('info', 'peer-up', `${peer.name} is heard`, {peer: peer.name});
  return {
    ...peer,
    alive: true,
    late: false,
    known: true,
    incarnation: advert.incarnation,
    heardAt: now,
    arrivedAt: now - waited,
    jitter: returns ? 0 : jitterOf(config, peer, now),
    upSince: returns || advert.incarnation !== peer.advert?.incarnation ? now : peer.upSince,
    downAt: now + activeDownInterval(config, state.nodeIndex),
    kernel: 'not-asked',
    paths: heardOn(peer, advert.path, now),
    fenced: false,
    saidGoodbye: advert.groups.length > 0 && advert.groups.every((group) => group.priority === 0),
    advert,
  };
}
