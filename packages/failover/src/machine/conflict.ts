/** Address conflicts on the LAN (RFC 5227), and the heartbeat of last resort that travels in announcements. */
import {heardLatelyTime, lastResortDead, lastResortInterval} from './intervals.ts';
import {anyAlive} from './knowledge.ts';
import {prefers} from './priority.ts';
import {releaseLeftover} from './roles.ts';
import type {EngineVip} from '../messages.ts';
import type {ActiveGroup, Event, GroupState, State} from './state.ts';
import type {Turn} from './turn.ts';

/** DEFEND_INTERVAL: two hosts that defend at once against each other would flood the LAN. Milliseconds. */
const DEFEND_INTERVAL = 20;
/** The same between the directors, whose claims are signed and count once, until both have proved to be alive. Milliseconds. */
const ANSWER_INTERVAL = 2;
/** A claimant is reported at most once in this time. Milliseconds. */
const REPORT_INTERVAL = 60_000;
/** And no more claimants than this: a host may invent a hardware address for every claim. */
const REPORTED_MAX = 4;

/** Announces these at once to correct the clients' ARP tables; if it just did, a little later. */
export function defend(
  turn: Turn,
  group: ActiveGroup,
  vips: readonly EngineVip[] = group.vips,
  spacing = DEFEND_INTERVAL,
): ActiveGroup {
  const {defence, ...rest} = group;
  const waiting = defence?.vips ?? [];
  const all = [...waiting, ...vips.filter((vip) => !waiting.includes(vip))];
  const mayAt = group.defendedAt + spacing;
  if (turn.now < mayAt) return {...rest, defence: {at: mayAt, vips: all}};
  turn.emit({type: 'announce', vrid: group.vrid, vips: all});
  return {...rest, defendedAt: turn.now};
}

/** Sends delayed defences. */
export function defendOnTime(turn: Turn, group: ActiveGroup): ActiveGroup {
  if (group.defence === undefined || turn.now < group.defence.at) return group;
  const {defence, ...rest} = group;
  turn.emit({type: 'announce', vrid: group.vrid, vips: defence.vips});
  return {...rest, defendedAt: turn.now};
}

/**
 * Another host claims one of our addresses on the LAN. Without heartbeats the peer's claims are the heartbeat of last resort,
 * if they prove that it is alive: the preferred director keeps the group and defends it, the other yields.
 */
export function onConflict(
  turn: Turn,
  state: State,
  group: GroupState,
  event: Extract<Event, {type: 'conflict'}>,
): GroupState {
  if (state.listenOnlyUntil !== undefined) return group;
  // Its advert follows and decides who keeps the group; if none arrives, `watchOtherActive` announces.
  if (event.claimant !== 'stranger' && anyAlive(state))
    return group.role === 'Active' ? {...group, peerActiveSince: turn.now, peerClaimedAt: turn.now} : group;
  // A new claim by a recently heard peer proves that it is alive, unless it was fenced or announced its shutdown.
  const heardLately = state.peers.some(
    (peer) =>
      peer.known &&
      !peer.fenced &&
      !peer.saidGoodbye &&
      turn.now - peer.heardAt < heardLatelyTime(turn.config),
  );
  // An answer to our claim always does: a peer that lost its carrier announced its shutdown too, and may be back.
  const lives = event.claimant === 'peer-alive' || (event.claimant === 'peer' && heardLately);
  if (!lives) {
    if (group.role === 'Active') return defendAgainst(turn, group, event);
    // A process that has just started knows no stamps: its own claim lets the peer prove that it is alive.
    if (event.claimant === 'peer' && group.leftover.length > 0)
      turn.emit({type: 'announce', vrid: group.vrid, vips: group.leftover});
    return group;
  }
  const peerDefendsUntil = turn.now + lastResortDead(turn.config);
  // Addresses that our earlier process left belong to the peer now.
  if (group.role !== 'Active') return {...releaseLeftover(turn, group), peerDefendsUntil};
  if (!prefers(turn.config, group.vrid)) return {...group, peerDefendsUntil};
  if (group.lastResortAt === undefined)
    turn.log(
      'error',
      'conflict',
      'the peer claims an address of ours, and no heartbeat path works: this director is preferred and keeps it',
    );
  return {
    ...defend(turn, group, group.vips, ANSWER_INTERVAL),
    lastResortAt: turn.now + lastResortInterval(turn.config),
  };
}

/** Defended at once; reported once a minute per claimant, for the first few. */
function defendAgainst(
  turn: Turn,
  group: ActiveGroup,
  {address, claimant, from}: Extract<Event, {type: 'conflict'}>,
): ActiveGroup {
  const defended = defend(
    turn,
    group,
    group.vips.filter((vip) => vip.address === address),
    claimant === 'stranger' ? DEFEND_INTERVAL : ANSWER_INTERVAL,
  );
  // It may be the peer that has not heard us yet: our answer lets it prove itself.
  if (claimant !== 'stranger') return defended;
  const known = group.strangers;
  const recent = known !== undefined && turn.now - known.at < REPORT_INTERVAL ? known : undefined;
  if (recent && (recent.from.includes(from) || recent.from.length >= REPORTED_MAX))
    return {...defended, strangers: {...recent, more: recent.more + 1}};
  const others = known !== undefined && known.from.length > 1 ? ' and others' : '';
  const more =
    !recent && known !== undefined && known.more > 0
      ? `; ${known.more} more claims by ${known.from[0]}${others} before`
      : '';
  turn.log(
    'warn',
    'duplicate-address',
    `${from}, which is no director of this cluster, claims ${address}: announced again${more}`,
  );
  return {
    ...defended,
    strangers: recent ? {...recent, from: [...recent.from, from]} : {from: [from], at: turn.now, more: 0},
  };
}
