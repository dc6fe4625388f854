/**
 * The state machine of one director: Initialize, Backup and Active of RFC 9568 for every group, with adverts that carry what
 * their sender hears. `step` is pure; its effects are performed in order (see state.ts).
 *
 * An event is handled in three phases: its direct change (`take`), what follows from all that is known (`settle`), and the
 * resulting advert.
 */
import type {Instant} from '@hactl/base';
import type {EngineConfig} from '../messages.ts';
import {
  judgesClaimAt,
  keepUp,
  onAcquireFailed,
  onAddressGone,
  onLinkChanged,
  restore,
  settleActive,
} from './active.ts';
import {onFenced, onPrepared, settleBackup, settleInitialize} from './backup.ts';
import {onConflict} from './conflict.ts';
import {activeDownInterval} from './intervals.ts';
import {anyAlive, mayLiveUnheard} from './knowledge.ts';
import {onGiveUp, onMove, onStop, settleMoves} from './moves.ts';
import {
  checkSilence,
  initialPeer,
  onAdvert,
  onKernelAnswer,
  onPeerClaim,
  onWake,
  silenceDeadline,
} from './peers.ts';
import {onConfigure} from './reconfigure.ts';
import {initialGroup} from './roles.ts';
import type {Effect, Event, GroupState, State} from './state.ts';
import {beginTurn, type Turn} from './turn.ts';

export type Step = readonly [State, readonly Effect[]];

/** The state of a process that just started. `known`: the highest incarnation heard from each node, by index, from disk. */
export function initialState(
  config: EngineConfig,
  incarnation: bigint,
  now: Instant,
  known: readonly bigint[] = [],
): State {
  const nodeIndex = config.nodes.indexOf(config.node);
  return {
    nodeIndex,
    initUntil: now + config.initdead,
    incarnation,
    sequence: 0n,
    ready: false,
    readySince: now,
    advertAt: now,
    sentAt: now,
    groups: config.groups.map((group) => initialGroup(group, now)),
    peers: config.nodes.flatMap((name, index) =>
      index === nodeIndex
        ? []
        : [
            initialPeer(
              name,
              index,
              now,
              known[index] ?? 0n,
              config.nodes.length > 2 || (known[index] ?? 0n) > 0n,
            ),
          ],
    ),
    moves: [],
    trackedDown: 0,
    downDevices: [],
    isolatedUntil: -Infinity,
  };
}

/** The next deadline. */
export function nextDeadline(config: EngineConfig, state: State): Instant {
  if (state.ended) return Infinity;
  // While it only listens nothing else may wake it: overdue timers wait.
  if (state.listenOnlyUntil !== undefined) return state.listenOnlyUntil;
  return Math.min(
    state.advertAt,
    ...state.peers.filter(({alive}) => alive).map((peer) => silenceDeadline(config, peer)),
    ...state.groups.map((group) => groupDeadline(config, state, group)),
  );
}

function groupDeadline(config: EngineConfig, state: State, group: GroupState): Instant {
  const hasAddresses = group.role === 'Active' || (group.role === 'Initialize' && group.leftover.length > 0);
  // A lease may be shorter than the interval of the adverts.
  const renewAt = config.vipLease > 0 && hasAddresses ? group.renewAt : Infinity;
  if (group.role !== 'Active') return renewAt;
  const {announceAt = Infinity, lastResortAt = Infinity, defence} = group;
  const claimAt = judgesClaimAt(config, state, group) ?? Infinity;
  const suspicionAt = mayLiveUnheard(state) ? group.suspicionAt : Infinity;
  return Math.min(renewAt, announceAt, lastResortAt, suspicionAt, claimAt, defence?.at ?? Infinity);
}

/** Handles one event. Total: every event is legal in every state. */
export function step(config: EngineConfig, state: State, event: Event, now: Instant): Step {
  if (state.ended) return [state, []];
  const turn = beginTurn(config, now);
  const taken = take(turn, onWake(turn, state, nextDeadline(config, state)), event);
  if (taken.ended) return [taken, turn.effects];
  const settled = sendAdvert(turn, settle(turn, taken));
  if (!settled.stopping || settled.groups.some(({role}) => role === 'Active')) return [settled, turn.effects];
  turn.emit({type: 'stopped'});
  return [{...settled, ended: true}, turn.effects];
}

/** The event's direct change, before any decision. */
function take(turn: Turn, state: State, event: Event): State {
  switch (event.type) {
    case 'tick':
      return onTick(turn, state);
    case 'advert':
      return onAdvert(turn, state, event.advert, event.waited);
    case 'kernel-answers':
      return onKernelAnswer(turn, state, event.nodeIndex);
    case 'found-address':
      return change(state, event.vrid, (group) => onFoundAddress(turn, group, event.addresses));
    case 'acquire-failed':
      return change(state, event.vrid, (group) => onAcquireFailed(turn, group, event.reason));
    case 'acquired':
      // The peer cannot have heard of it before now.
      return change(state, event.vrid, (group) =>
        group.role === 'Active' && group.since >= event.from ? {...group, since: turn.now} : group,
      );
    case 'prepared':
      return change(state, event.vrid, (group) => onPrepared(turn, state, group, event.ok, event.reason));
    case 'fenced':
      turn.log(event.ok ? 'info' : 'error', event.ok ? 'fenced' : 'fence-failed', event.reason);
      return {
        ...state,
        peers: event.ok
          ? state.peers.map((peer) => (peer.alive ? peer : {...peer, fenced: true}))
          : state.peers,
        groups: state.groups.map((group) => onFenced(turn, state, group, event.ok)),
      };
    case 'readiness':
      if (event.ready === state.ready) return state;
      return {...state, ready: event.ready, readySince: turn.now};
    case 'device':
      return onDevice(turn, state, event.device, event.problem);
    case 'address-gone':
      return change(state, event.vrid, (group) => onAddressGone(turn, state, group));
    case 'link-changed':
      return {...state, groups: state.groups.map((group) => onLinkChanged(turn, group, event.device))};
    case 'conflict': {
      const known = event.claimant === 'stranger' ? state : onPeerClaim(turn, state);
      return change(known, event.vrid, (group) => onConflict(turn, known, group, event));
    }
    case 'give-up':
      return change(state, event.vrid, (group) => onGiveUp(turn, state, group, event));
    case 'tracked-down':
      return event.count === state.trackedDown ? state : {...state, trackedDown: event.count};
    case 'move':
      return onMove(turn, state, event);
    case 'stop':
      return onStop(turn, state, event.leaveAddresses);
    case 'configure': {
      const next = onConfigure(turn, state, event.previous);
      return {...next, groups: next.groups.map((group) => tryAgain(group, turn.now))};
    }
  }
}

/** Only found addresses are leftovers: a lease must not be renewed on an address that the peer has. */
function onFoundAddress(turn: Turn, group: GroupState, addresses: readonly string[]): GroupState {
  if (group.role !== 'Initialize') return group;
  const found = new Set([...group.leftover.map(({address}) => address), ...addresses]);
  const vips = turn.group(group.vrid)?.vips ?? [];
  return {...group, leftover: vips.filter(({address}) => found.has(address))};
}

const change = (state: State, vrid: number, edit: (group: GroupState) => GroupState): State => ({
  ...state,
  groups: state.groups.map((group) => (group.vrid === vrid ? edit(group) : group)),
});

function onTick(turn: Turn, state: State): State {
  if (state.listenOnlyUntil === undefined || turn.now < state.listenOnlyUntil)
    return checkSilence(turn, state);
  const {listenOnlyUntil: _, ...awake} = state;
  // Nobody else has them: add and announce again what the kernel dropped meanwhile.
  for (const group of awake.groups)
    if (group.role === 'Active' && group.blocked === undefined) restore(turn, group);
  return checkSilence(turn, {...awake, advertAt: turn.now});
}

/** An interface with a group's addresses went down, lost its carrier, or is up again. */
function onDevice(turn: Turn, state: State, device: string, problem: string | undefined): State {
  const others = state.downDevices.filter((name) => name !== device);
  const returns = problem === undefined && state.downDevices.includes(device);
  // Silence while it was down proves nothing.
  const isolatedUntil =
    returns && !anyAlive(state)
      ? turn.now + activeDownInterval(turn.config, state.nodeIndex)
      : state.isolatedUntil;
  return {
    ...state,
    isolatedUntil,
    downDevices: problem === undefined ? others : [...others, device],
    groups: state.groups.map((group) => {
      if (!turn.group(group.vrid)?.vips.some((vip) => vip.device === device)) return group;
      const {blocked: _, ...rest} = group;
      if (problem !== undefined) return {...rest, blocked: problem};
      return returns ? tryAgain(rest, turn.now) : rest;
    }),
  };
}

/** Something changed: retry at once what the kernel refused. */
function tryAgain(group: GroupState, now: Instant): GroupState {
  if (group.refused === undefined) return group;
  const {refused: _, ...rest} = group;
  return {...rest, retryAt: now};
}

/** The pause after a refusal has ended. */
const withoutRest = (group: GroupState, now: Instant): GroupState =>
  group.refused?.resting === true && now >= group.retryAt
    ? {...group, refused: {...group.refused, resting: false}}
    : group;

/** Brings every group to the state that the known facts require. */
function settle(turn: Turn, state: State): State {
  const groups = state.groups.map((group) => keepUp(turn, state, settleGroup(turn, state, group)));
  return settleMoves(turn, {...state, groups});
}

function settleGroup(turn: Turn, state: State, group: GroupState): GroupState {
  const rested = withoutRest(group, turn.now);
  const current =
    rested.failedUntil !== undefined && turn.now >= rested.failedUntil ? withoutFailure(rested) : rested;
  switch (current.role) {
    case 'Initialize':
      return settleInitialize(turn, state, current);
    case 'Backup':
      return settleBackup(turn, state, current);
    case 'Active':
      return settleActive(turn, state, current);
  }
}

const withoutFailure = (group: GroupState): GroupState => {
  const {failedUntil: _, ...rest} = group;
  return rest;
};

/** Sends the advert when due, and at once after a role change. */
function sendAdvert(turn: Turn, state: State): State {
  const {config, now} = turn;
  const changed = turn.effects.some(({type}) => type === 'acquire' || type === 'release');
  if ((!changed && now < state.advertAt) || state.listenOnlyUntil !== undefined) return state;
  const onTime = !changed && now - state.advertAt < config.keepalive;
  const sequence = state.sequence + 1n;
  turn.emit({type: 'send-advert'});
  return {
    ...state,
    sequence,
    sentAt: now,
    advertAt: onTime ? state.advertAt + config.keepalive : now + config.keepalive,
    groups: state.groups.map((group) =>
      group.role === 'Active' && group.activeAdvert === undefined
        ? {...group, activeAdvert: {incarnation: state.incarnation, sequence}}
        : group,
    ),
  };
}
