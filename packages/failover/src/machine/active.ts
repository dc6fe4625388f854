/** Active: when this director releases a group, and what it does while it holds it. */
import type {Instant} from '@hactl/base';
import {announceDelay, defaultSchedule} from '@hactl/net/schedule';
import {defend, defendOnTime} from './conflict.ts';
import {acquireRetry, lastResortInterval, renewInterval, suspicionInterval} from './intervals.ts';
import {
  anyAlive,
  heardLongEnough,
  hearsUs,
  heldElsewhere,
  keepsLeftover,
  mayLiveUnheard,
  missedOurTakeover,
  outranks,
  precedesOurTakeover,
  reportOf,
} from './knowledge.ts';
import type {EngineConfig} from '../messages.ts';
import {prefers, priorityOf} from './priority.ts';
import {freeVips, leaveActive, reportWithheld, vipKey} from './roles.ts';
import type {ActiveGroup, BackupGroup, GroupState, PeerState, State} from './state.ts';
import type {Turn} from './turn.ts';

/** An advert received this long after a claim was certainly sent after it, in ms. */
const CLAIM_SETTLES = 20;

export function settleActive(turn: Turn, state: State, group: ActiveGroup): ActiveGroup | BackupGroup {
  if (group.blocked !== undefined) return leaveActive(turn, group, group.blocked, {operatorHold: false});
  for (const peer of state.peers) {
    const yielded = yieldTo(turn, state, group, peer);
    if (yielded) return yielded;
  }
  if (group.handoverUntil !== undefined && turn.now >= group.handoverUntil) {
    if (state.stopping) return leaveActive(turn, group, 'stopping', {operatorHold: false});
    turn.log('warn', 'handover-failed', 'the peer did not take over: the group stays here');
    const {handoverUntil: _, ...kept} = group;
    return kept;
  }
  if (!anyAlive(state) && turn.now < group.peerDefendsUntil)
    return leaveActive(
      turn,
      group,
      'the peer claims the address on the LAN, no heartbeat path works, and it is the preferred one',
      {operatorHold: false, retryAt: turn.now},
    );
  return watchOtherActive(turn, state, keepFreeVips(turn, state, group));
}

/**
 * While the configurations differ: an address that the peer also holds in another group stays on one director only, and is
 * added once the peer releases it.
 */
function keepFreeVips(turn: Turn, state: State, group: ActiveGroup): ActiveGroup {
  const configured = turn.group(group.vrid);
  if (!configured || state.listenOnlyUntil !== undefined) return group;
  const lost = group.vips.filter(({address}) => {
    const holder = heldElsewhere(state, configured, address);
    if (!holder || holder.peer.heardAt <= group.since) return false;
    const ownPriority = priorityOf(turn.config, state, group);
    return (
      outranks(holder.report.priority, holder.peer.nodeIndex, ownPriority, state.nodeIndex) ||
      (!hearsUs(turn.config, state, holder.peer) && heardLongEnough(turn.config, holder.peer, turn.now))
    );
  });
  const {vips, withheld} = freeVips(turn, state, group);
  const had = new Set(group.vips.map(vipKey));
  const gained = vips.filter((vip) => !had.has(vipKey(vip)));
  if (lost.length === 0 && gained.length === 0) return reportWithheld(turn, group, withheld);
  const {vrid} = group;
  if (lost.length > 0) turn.emit({type: 'release', vrid, vips: lost});
  if (gained.length > 0)
    turn.emit({type: 'acquire', vrid, vips: gained}, {type: 'announce', vrid, vips: gained});
  const kept = [...group.vips.filter((vip) => !lost.includes(vip)), ...gained];
  return reportWithheld(turn, {...group, vips: kept}, withheld);
}

/** Yields the group to a peer that is Active too, if that peer takes precedence; undefined: keeps it. */
function yieldTo(turn: Turn, state: State, group: ActiveGroup, peer: PeerState): BackupGroup | undefined {
  const {config, now} = turn;
  const report = reportOf(peer, turn.group(group.vrid));
  // An advert sent before this director took the group: the peer may not have heard our advert yet.
  if (!peer.alive || peer.arrivedAt <= group.since) return undefined;
  const leave = (reason: string, more: {stoodDown?: boolean} = {}): BackupGroup =>
    leaveActive(turn, group, reason, {operatorHold: false, ...more});
  const listening = state.listenOnlyUntil !== undefined;
  /** Its echo shows whether it hears us. */
  const judged = heardLongEnough(config, peer, now) && !listening;
  if (judged && keepsLeftover(config, state, peer, report))
    return leave(
      `${peer.name} starts with the addresses and does not hear us: one way is lost, it keeps the group`,
    );
  if (report?.role !== 'Active') return undefined;
  if (judged && missedOurTakeover(config, group, peer, report.handover))
    return leave(`${peer.name} does not hear that this director took the group: one way is lost`);
  // It asked us to take over, and releases the group once it hears us.
  if (report.handover && group.handoverUntil === undefined) return undefined;
  if (group.handoverUntil !== undefined)
    return leave(`handed over to ${peer.name}`, {
      stoodDown: group.stoodDown || (state.stopping === undefined && group.failedUntil === undefined),
    });
  if (judged && !hearsUs(config, state, peer))
    return leave(`${peer.name} is Active and does not hear us: one way is lost, it keeps the group`);
  // A process that did not run for milliseconds after it took the group finds the adverts of the holder of before.
  if (listening && !precedesOurTakeover(state, group, peer))
    return leave(`${peer.name} took over while this process did not run`);
  const ownPriority = priorityOf(config, state, group);
  if (outranks(report.priority, peer.nodeIndex, ownPriority, state.nodeIndex))
    return leave(`${peer.name} is Active with priority ${report.priority} over ${ownPriority}`);
  return undefined;
}

/** Another Active that released the group or died: its announcements are still in the clients' ARP tables. */
function watchOtherActive(turn: Turn, state: State, group: ActiveGroup): ActiveGroup {
  const configured = turn.group(group.vrid);
  if (state.peers.some((peer) => peer.alive && reportOf(peer, configured)?.role === 'Active'))
    return group.peerActiveSince === undefined ? {...group, peerActiveSince: turn.now} : group;
  const {peerActiveSince, peerClaimedAt: _, ...alone} = group;
  if (peerActiveSince === undefined) return group;
  // The peer takes the group at this director's request: an announcement now would redirect the clients back.
  if (group.handoverUntil !== undefined) return group;
  if (isClaimUnjudged(state, group) || turn.now < (judgesClaimAt(turn.config, state, group) ?? 0))
    return group;
  const heardSince = state.peers.some((peer) => peer.alive && peer.heardAt > peerActiveSince);
  if (!heardSince && anyAlive(state)) return group;
  const defended = defend(turn, alone);
  // It claimed the address and went silent on every path: it may be alive with only its heartbeats lost.
  return anyAlive(state) || !prefers(turn.config, group.vrid)
    ? defended
    : {...defended, lastResortAt: turn.now + lastResortInterval(turn.config)};
}

/**
 * The peer claimed the address on the LAN a moment ago, and its Active advert may still be queued behind older ones: its last
 * advert as Backup can arrive after its announcement if it waited in another socket.
 */
const isClaimUnjudged = (state: State, {peerClaimedAt}: ActiveGroup): boolean =>
  peerClaimedAt !== undefined &&
  anyAlive(state) &&
  !state.peers.some((peer) => peer.alive && peer.heardAt >= peerClaimedAt + CLAIM_SETTLES);

/**
 * When a director that is not preferred announces again what a peer claimed that went silent; undefined: there is no such claim. The
 * claim was signed and new, so the peer lived then, and its Active advert may come late on a busy machine. An announcement before it would
 * redirect the clients to this director, which releases the address when it hears the advert.
 */
export function judgesClaimAt(config: EngineConfig, state: State, group: ActiveGroup): Instant | undefined {
  const {peerClaimedAt, handoverUntil} = group;
  if (peerClaimedAt === undefined || handoverUntil !== undefined) return undefined;
  return anyAlive(state) || prefers(config, group.vrid) ? undefined : peerClaimedAt + CLAIM_SETTLES;
}

/** Periodic work: announcements, lease renewals. */
export function keepUp(turn: Turn, state: State, group: GroupState): GroupState {
  if (state.listenOnlyUntil !== undefined) return group;
  const kept = group.role === 'Active' ? defendOnTime(turn, announceOnTime(turn, state, group)) : group;
  return renewOnTime(turn, kept);
}

function announceOnTime(turn: Turn, state: State, group: ActiveGroup): ActiveGroup {
  const next = announceAsLastResort(turn, announceAfterTakeover(turn, afterClaim(turn, group)));
  return announceInSuspicion(turn, state, next);
}

/** What is announced by the clock waits until the advert that follows the peer's claim is heard. */
function afterClaim(turn: Turn, group: ActiveGroup): ActiveGroup {
  const until = (group.peerClaimedAt ?? -Infinity) + CLAIM_SETTLES;
  if (turn.now >= until) return group;
  const {announceAt, suspicionAt} = group;
  return {
    ...group,
    suspicionAt: Math.max(suspicionAt, until),
    ...(announceAt === undefined ? {} : {announceAt: Math.max(announceAt, until)}),
  };
}

function announceInSuspicion(turn: Turn, state: State, group: ActiveGroup): ActiveGroup {
  if (turn.now < group.suspicionAt) return group;
  const {vrid, vips, lastResortAt} = group;
  if (mayLiveUnheard(state) && lastResortAt === undefined && vips.length > 0)
    turn.emit({type: 'announce', vrid, vips: vips.slice(0, 1)});
  return {...group, suspicionAt: turn.now + suspicionInterval(turn.config)};
}

function announceAfterTakeover(turn: Turn, group: ActiveGroup): ActiveGroup {
  const {vrid, vips} = group;
  if (group.announceAt === undefined || turn.now < group.announceAt) return group;
  turn.emit({type: 'announce', vrid, vips});
  const delay = announceDelay(defaultSchedule, group.announced + 1);
  // After serving for a while, earlier refusals by the kernel no longer count.
  const {announceAt: _, refused: __, ...rest} = group;
  return {
    ...rest,
    announced: group.announced + 1,
    ...(delay === undefined ? {} : {announceAt: group.since + delay}),
  };
}

function announceAsLastResort(turn: Turn, group: ActiveGroup): ActiveGroup {
  const {vrid, vips, lastResortAt} = group;
  if (lastResortAt === undefined || turn.now < lastResortAt) return group;
  turn.emit({type: 'announce', vrid, vips});
  return {...group, lastResortAt: turn.now + lastResortInterval(turn.config)};
}

function renewOnTime(turn: Turn, group: GroupState): GroupState {
  if (turn.config.vipLease === 0 || group.role === 'Backup' || turn.now < group.renewAt) return group;
  const vips = group.role === 'Active' ? group.vips : group.leftover;
  if (group.role === 'Initialize' && vips.length === 0) return group;
  turn.emit({type: 'renew', vrid: group.vrid, vips});
  return {...group, renewAt: turn.now + renewInterval(turn.config)};
}

/** The kernel refused an address: the peer may serve it. Retried with growing pauses, until something changes. */
export function onAcquireFailed(turn: Turn, group: GroupState, reason: string): GroupState {
  if (group.role !== 'Active') return group;
  const count = (group.refused?.count ?? 0) + 1;
  if (group.refused?.reason !== reason) turn.log('error', 'acquire-failed', reason);
  const backup = leaveActive(turn, group, reason, {retryAt: turn.now + acquireRetry(count)});
  return {...backup, refused: {count, reason, resting: true}};
}

/**
 * The interface has a new hardware address or another cable: announce, so that clients and switches learn where the addresses
 * are.
 */
export function onLinkChanged(turn: Turn, group: GroupState, device: string): GroupState {
  if (group.role !== 'Active' || group.blocked !== undefined) return group;
  return group.vips.some((vip) => vip.device === device) ? defend(turn, group) : group;
}

/** Somebody removed one of our addresses from the interface. */
export function onAddressGone(turn: Turn, state: State, group: GroupState): GroupState {
  if (group.role !== 'Active' || group.blocked !== undefined || state.listenOnlyUntil !== undefined)
    return group;
  turn.log('warn', 'address-gone', 'an address of ours was removed from its interface: put back');
  restore(turn, group);
  return group;
}

/** Adds the addresses again and announces them. */
export function restore(turn: Turn, {vrid, vips}: ActiveGroup): void {
  turn.emit({type: 'acquire', vrid, vips}, {type: 'announce', vrid, vips});
}
