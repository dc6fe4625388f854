/** Planned moves: operators' requests, failed resources, and the stop of the process. */
import {COLD_MOVE_LIMIT, HANDOVER_LIMIT, MOVE_LIMIT, STOP_LIMIT} from './intervals.ts';
import {anyAlive, hearsUs, reportOf} from './knowledge.ts';
import {level, prefers} from './priority.ts';
import {enterBackup, leaveToSuccessor, startTakeover} from './roles.ts';
import type {
  ActiveGroup,
  BackupGroup,
  Event,
  GroupState,
  InitializeGroup,
  PendingMove,
  State,
} from './state.ts';
import type {Turn} from './turn.ts';

const withoutFailure = (group: BackupGroup | InitializeGroup): BackupGroup | InitializeGroup => {
  const {failedUntil: _, ...rest} = group;
  return rest;
};

/** A resource does not run here: offer the group to the peer; if the peer cannot serve either, the addresses stay. */
export function onGiveUp(
  turn: Turn,
  state: State,
  group: GroupState,
  {reason, holdOff}: Extract<Event, {type: 'give-up'}>,
): GroupState {
  const failed = {...group, operatorHold: false, failedUntil: turn.now + holdOff};
  if (failed.role !== 'Active') return failed;
  const configured = turn.group(group.vrid);
  const taker = state.peers.find(
    (peer) =>
      peer.alive &&
      peer.advert?.ready === true &&
      hearsUs(turn.config, state, peer) &&
      (reportOf(peer, configured)?.priority ?? 0) > level.stoodDown,
  );
  const outcome = taker ? `${taker.name} is to take the group` : 'no peer can take the group: it stays here';
  turn.log('error', 'resource-failed', `${reason}; ${outcome}`);
  return taker ? {...failed, handoverUntil: turn.now + HANDOVER_LIMIT} : failed;
}

/** standby, takeover or failback. Answered by `move-done`, at once if refused. */
export function onMove(turn: Turn, state: State, event: Extract<Event, {type: 'move'}>): State {
  const {id, move, scope} = event;
  const {config, now} = turn;
  const isLocal = (group: GroupState): boolean => prefers(config, group.vrid);
  const inScope = (group: GroupState): boolean => scope === 'all' || (scope === 'local') === isLocal(group);
  const gives = (group: GroupState): group is ActiveGroup =>
    group.role === 'Active' &&
    inScope(group) &&
    (move === 'standby' || (move === 'failback' && !isLocal(group)));
  const takes = (group: GroupState): group is BackupGroup | InitializeGroup =>
    group.role !== 'Active' &&
    inScope(group) &&
    (move === 'takeover' || (move === 'failback' && isLocal(group)));
  const given = state.groups.filter(gives);
  const taken = state.groups.filter(takes);
  const refusal = refuseMove(turn, state, given, taken);
  if (refusal !== undefined || given.length + taken.length === 0) {
    turn.emit({type: 'move-done', id, ok: refusal === undefined, reason: refusal ?? 'nothing to move'});
    return state;
  }
  const isCold = ({vrid}: GroupState): boolean => turn.group(vrid)?.cold === true;
  const limit = [...given, ...taken].some(isCold) ? COLD_MOVE_LIMIT : MOVE_LIMIT;
  const pending: PendingMove = {
    id,
    move,
    vrids: [...given, ...taken].map((group) => group.vrid),
    until: now + limit,
    ...(taken.length > 0 ? {overlapFrom: now} : {}),
  };
  return {
    ...state,
    moves: [...state.moves, pending],
    groups: state.groups.map((group) => {
      if (gives(group))
        return {
          ...group,
          operatorHold: false,
          handoverUntil: now + (isCold(group) ? COLD_MOVE_LIMIT : HANDOVER_LIMIT),
        };
      if (!takes(group)) return group;
      const wanted = {...withoutFailure(group), operatorHold: true, stoodDown: false};
      const reason = `operator: ${move}`;
      return startTakeover(
        turn,
        state,
        wanted.role === 'Initialize' ? enterBackup(turn, wanted, reason) : wanted,
        reason,
      );
    }),
  };
}

/** Why a move cannot be made; undefined: it can. */
function refuseMove(
  turn: Turn,
  state: State,
  given: readonly GroupState[],
  taken: readonly GroupState[],
): string | undefined {
  if (state.listenOnlyUntil !== undefined)
    return 'this process has just woken and does not know yet who is Active: try again';
  if (state.stopping) return 'this director is stopping';
  if (given.length > 0) {
    const peer = state.peers.find((candidate) => candidate.alive);
    if (!peer) return 'there is no living peer to give the groups to';
    if (peer.advert?.ready === false)
      return `${peer.name} is not ready (its checks or its table are not complete)`;
    if (!hearsUs(turn.config, state, peer)) return `${peer.name} does not hear this director`;
  }
  return taken.find((group) => group.blocked !== undefined)?.blocked;
}

/** Reports moves that are complete, and those that timed out. */
export function settleMoves(turn: Turn, state: State): State {
  if (state.moves.length === 0) return state;
  const {now} = turn;
  const peerHolds = (vrid: number): boolean =>
    state.peers.some((peer) => peer.alive && reportOf(peer, turn.group(vrid))?.role === 'Active');
  const stateOf = (vrid: number): GroupState | undefined => state.groups.find((group) => group.vrid === vrid);
  /** A failback leaves no operator hold: once complete, the normal priorities decide. */
  const failedBack = new Set<number>();
  const isOpen = (move: PendingMove, vrid: number): boolean => {
    const group = stateOf(vrid);
    if (!group) return false;
    // Done once the peer holds a group given away, or has released one taken over.
    if (group.role === 'Active') return group.handoverUntil !== undefined || peerHolds(vrid);
    return (group.role === 'Backup' && group.waiting !== undefined) || (!peerHolds(vrid) && now < move.until);
  };
  const moves = state.moves.filter((move) => {
    const open = move.vrids.some((vrid) => isOpen(move, vrid));
    if (open && now < move.until) return true;
    const isTaken = move.overlapFrom !== undefined;
    const missed = move.vrids.some((vrid) => (stateOf(vrid)?.role === 'Active') !== isTaken);
    const ok = !open && !missed;
    turn.emit({
      type: 'move-done',
      id: move.id,
      ok,
      reason: ok ? `${move.vrids.length} group(s) moved` : 'the groups did not move in time',
      ...(ok && move.overlapFrom !== undefined ? {overlap: now - move.overlapFrom} : {}),
    });
    if (move.move === 'failback') for (const vrid of move.vrids) failedBack.add(vrid);
    return false;
  });
  const groups = state.groups.map((group) =>
    failedBack.has(group.vrid) ? {...group, operatorHold: false} : group,
  );
  return {...state, groups, moves};
}

/** Stops the process. A planned stop is make-before-break; after a supervisor crash nobody supervises it, so release first. */
export function onStop(turn: Turn, state: State, leaveAddresses: boolean): State {
  if (state.stopping) return state;
  if (leaveAddresses && !anyAlive(state)) {
    // Nobody could take over: leave the addresses for this process's successor.
    const groups = state.groups.map((group) => leaveToSuccessor(turn, group, 'the supervisor is gone'));
    turn.emit({type: 'stopped'});
    return {...state, stopping: {until: turn.now}, ended: true, groups};
  }
  const until = turn.now + (anyAlive(state) && !leaveAddresses ? STOP_LIMIT : 0);
  return {
    ...state,
    advertAt: turn.now,
    stopping: {until},
    groups: state.groups.map((group) =>
      group.role === 'Active' ? {...group, operatorHold: false, handoverUntil: until} : group,
    ),
  };
}
