/** Address conflicts on the LAN (RFC 5227), and the heartbeat of last resort that travels in announcements. */
import {lastResortDead, lastResortInterval} from './intervals.ts';
import {anyAlive} from './knowledge.ts';
import {prefers} from './priority.ts';
import {releaseLeftover} from './roles.ts';
import type {ActiveGroup, GroupState, State} from './state.ts';
import type {Turn} from './turn.ts';

/** Two hosts that defend at once against each other would flood the LAN. Milliseconds. */
const DEFEND_INTERVAL = 20;

/** Announces at once, so that the clients' tables are right again; where that has just been done, a little later. */
export function defend(turn: Turn, group: ActiveGroup): ActiveGroup {
  const mayAt = group.defendedAt + DEFEND_INTERVAL;
  if (turn.now < mayAt) return {...group, announceAt: Math.min(group.announceAt ?? Infinity, mayAt)};
  turn.emit({type: 'announce', vrid: group.vrid, vips: group.vips});
  return {...group, defendedAt: turn.now};
}

/**
 * Somebody else claims an address of ours on the LAN. Where no heartbeat comes, the peer's claims are the heartbeat of
 * last resort: the preferred director keeps the group and says so, the other yields.
 */
export function onConflict(turn: Turn, state: State, group: GroupState, byPeer: boolean): GroupState {
  if (state.listenOnlyUntil !== undefined) return group;
  if (!byPeer) return group.role === 'Active' ? defendAgainstStranger(turn, group) : group;
  // Its advert follows and decides who stays; a defence now would make the peer yield too.
  if (anyAlive(state)) return group.role === 'Active' ? {...group, peerActiveSince: turn.now} : group;
  const peerDefendsUntil = turn.now + lastResortDead(turn.config);
  if (group.role === 'Initialize') {
    if (group.leftover.length > 0) return {...releaseLeftover(turn, group), peerDefendsUntil};
    return {...group, peerDefendsUntil};
  }
  if (group.role === 'Backup' || !prefers(turn.config, group.vrid)) return {...group, peerDefendsUntil};
  if (group.lastResortAt === undefined)
    turn.log(
      'error',
      'conflict',
      'the peer claims an address of ours, and no heartbeat path works: this director is preferred and keeps it',
    );
  return {...defend(turn, group), lastResortAt: turn.now + lastResortInterval(turn.config)};
}

function defendAgainstStranger(turn: Turn, group: ActiveGroup): ActiveGroup {
  const next = defend(turn, group);
  if (next.defendedAt === turn.now)
    turn.log(
      'warn',
      'duplicate-address',
      'a host that is no director of this cluster claims an address of ours: announced again',
    );
  return next;
}
