/** Initialize and Backup: when this director takes a group. */
import {PREPARE_RETRY, HANDOVER_LIMIT, vacancyTime} from './intervals.ts';
import {anyAlive, hearsUs, hearsUsNow, keepsLeftover, outranks, reportOf} from './knowledge.ts';
import {level, priorityOf} from './priority.ts';
import {enterActive, enterBackup, releaseLeftover, startTakeover} from './roles.ts';
import type {BackupGroup, GroupState, InitializeGroup, PeerState, State} from './state.ts';
import type {Turn} from './turn.ts';

/** Waits until every node was heard, at most for initdead. */
export function settleInitialize(turn: Turn, state: State, group: InitializeGroup): GroupState {
  const complete = state.peers.every((peer) => peer.alive);
  if (!complete && turn.now < state.initUntil) return group;
  const backup = enterBackup(turn, group, complete ? 'all nodes are heard' : 'initdead is over');
  return settleBackup(turn, state, backup);
}

export function settleBackup(turn: Turn, state: State, group: BackupGroup): GroupState {
  if (state.stopping || state.listenOnlyUntil !== undefined || group.waiting) return group;
  const configured = turn.group(group.vrid);
  const holder = state.peers.find((peer) => peer.alive && reportOf(peer, configured)?.role === 'Active');
  const next = holder ? releaseLeftover(turn, group) : group;
  if (next.blocked !== undefined || turn.now < next.retryAt) return next;
  if (holder) return considerPreemption(turn, state, next, holder);
  if (state.peers.some((peer) => keepsLeftover(turn.config, state, peer, reportOf(peer, configured))))
    return next;
  return anyAlive(state) ? considerVacancy(turn, state, next) : succeedSilentPeer(turn, state, next);
}

/** A peer holds it: take it if it is offered, or if this director takes precedence. */
function considerPreemption(turn: Turn, state: State, group: BackupGroup, holder: PeerState): GroupState {
  const {config, now} = turn;
  const report = reportOf(holder, turn.group(group.vrid));
  const {vacantSince: _, ...next} = group;
  // A holder that does not hear this director would keep the group as well until its offer expires.
  if (report?.handover && hearsUs(config, state, holder))
    return startTakeover(turn, state, {...next, stoodDown: false}, `${holder.name} hands over`);
  const ownPriority = priorityOf(config, state, next);
  const may = now >= next.holdUntil && state.ready && hearsUsNow(config, state, holder);
  const waited = now >= Math.max(holder.upSince, state.readySince) + config.preemptDelay;
  const priority = report?.priority ?? 0;
  // ipfail moves a group to the better-connected director whatever auto_failback says.
  const wanted = config.autoFailback === 'on' || (priority < level.other && ownPriority >= level.other);
  if (
    may &&
    waited &&
    wanted &&
    ownPriority > level.stoodDown &&
    outranks(ownPriority, state.nodeIndex, priority, holder.nodeIndex)
  )
    return startTakeover(
      turn,
      state,
      next,
      `preempts ${holder.name} (priority ${ownPriority} over ${priority})`,
    );
  return next;
}

const awaitsFence = (group: GroupState): boolean =>
  group.role === 'Backup' && group.waiting?.need === 'fence';

/** No peer is alive. */
function succeedSilentPeer(turn: Turn, state: State, group: BackupGroup): GroupState {
  const {config, now} = turn;
  if (now < Math.max(group.peerDefendsUntil, state.isolatedUntil)) return group;
  const [peer] = state.peers;
  if (!peer) return startTakeover(turn, state, group, 'the only node');
  const reason = peer.known ? `${peer.name} is dead` : `${peer.name} was never heard`;
  if (config.fence !== undefined && !peer.saidGoodbye) {
    // One fence for all groups that wait for it.
    const running = turn.effects.some(({type}) => type === 'fence') || state.groups.some(awaitsFence);
    if (!running) turn.emit({type: 'fence', node: peer.name});
    return {...group, waiting: {need: 'fence', reason}};
  }
  return startTakeover(turn, state, {...group, stoodDown: false}, reason);
}

/** Peers are alive and none holds it: the preferred director takes it, or the other if it does not. */
function considerVacancy(turn: Turn, state: State, group: BackupGroup): GroupState {
  const configured = turn.group(group.vrid);
  const ownPriority = priorityOf(turn.config, state, group);
  const living = state.peers.filter((peer) => peer.alive);
  const better = living.some((peer) => {
    const report = reportOf(peer, configured);
    return (
      report !== undefined &&
      report.role !== 'Initialize' &&
      report.priority > level.none &&
      outranks(report.priority, peer.nodeIndex, ownPriority, state.nodeIndex)
    );
  });
  const starting = living.some((peer) => reportOf(peer, configured)?.role === 'Initialize');
  if (!better && !starting) return startTakeover(turn, state, group, 'no director holds it');
  const vacantSince = group.vacantSince ?? turn.now;
  if (turn.now - vacantSince >= vacancyTime(turn.config))
    return startTakeover(turn, state, group, 'nobody else takes it');
  return {...group, vacantSince};
}

/** The cold resources run, or could not be started. */
export function onPrepared(
  turn: Turn,
  state: State,
  group: GroupState,
  ok: boolean,
  reason: string,
): GroupState {
  if (group.role !== 'Backup' || group.waiting?.need !== 'prepare') return group;
  const {waiting: _, ...next} = group;
  if (ok && state.stopping) return next;
  if (ok) return enterActive(turn, state, next, group.waiting.reason);
  turn.log('error', 'prepare-failed', reason);
  return {...next, operatorHold: false, retryAt: turn.now + PREPARE_RETRY};
}

/** The fence command has ended. */
export function onFenced(turn: Turn, state: State, group: GroupState, ok: boolean): GroupState {
  if (group.role !== 'Backup' || group.waiting?.need !== 'fence') return group;
  const {waiting, ...next} = group;
  if (state.stopping) return next;
  return ok
    ? startTakeover(turn, state, next, waiting.reason)
    : {...next, retryAt: turn.now + HANDOVER_LIMIT};
}
