/** The only transitions between roles. Each emits its effects in the order described in state.ts. */
import {announceDelay, defaultSchedule} from '@hactl/net/schedule';
import type {Instant} from '@hactl/base';
import type {EngineGroup, EngineVip} from '../messages.ts';
import {renewInterval, suspicionInterval} from './intervals.ts';
import {heldElsewhere} from './knowledge.ts';
import type {ActiveGroup, BackupGroup, GroupState, InitializeGroup, State} from './state.ts';
import type {Turn} from './turn.ts';

export const initialGroup = (group: EngineGroup, now: Instant): InitializeGroup => ({
  vrid: group.vrid,
  role: 'Initialize',
  since: now,
  operatorHold: false,
  stoodDown: false,
  holdUntil: now,
  retryAt: now,
  peerDefendsUntil: -Infinity,
  leftover: [],
  renewAt: now,
});

/** The same address in the same form: the kernel keeps label and broadcast too. */
export const vipKey = ({address, prefixLength, device, label, broadcast}: EngineVip): string =>
  [address, prefixLength, device, label ?? '', broadcast ?? ''].join(' ');

/** State that survives a role change. */
function common(group: GroupState) {
  const {vrid, operatorHold, stoodDown, failedUntil, blocked, holdUntil, retryAt, peerDefendsUntil} = group;
  const {refused, withheld} = group;
  return {
    vrid,
    operatorHold,
    stoodDown,
    holdUntil,
    retryAt,
    peerDefendsUntil,
    ...(failedUntil === undefined ? {} : {failedUntil}),
    ...(blocked === undefined ? {} : {blocked}),
    ...(refused === undefined ? {} : {refused}),
    ...(withheld === undefined ? {} : {withheld}),
  };
}

function transition(turn: Turn, group: GroupState, to: GroupState['role'], reason: string): void {
  turn.emit({
    type: 'transition',
    transition: {
      vrid: group.vrid,
      group: turn.group(group.vrid)?.name ?? String(group.vrid),
      from: group.role,
      to,
      reason,
      at: turn.now,
    },
  });
}

/** The group's addresses without those that a peer holds in another group, and a sentence about the latter. */
export function freeVips(
  turn: Turn,
  state: State,
  {vrid}: Pick<GroupState, 'vrid'>,
): {readonly vips: readonly EngineVip[]; readonly withheld: string | undefined} {
  const configured = turn.group(vrid);
  if (!configured) return {vips: [], withheld: undefined};
  const taken: string[] = [];
  const vips = configured.vips.filter(({address}) => {
    const holder = heldElsewhere(state, configured, address);
    if (holder) taken.push(`${address} (held by ${holder.peer.name})`);
    return holder === undefined;
  });
  return {
    vips,
    withheld:
      taken.length === 0
        ? undefined
        : `not put on, because the peer holds it in another group: ${taken.join(', ')}; the two haresources differ`,
  };
}

/** Reports withheld addresses once, and remembers them for the status. */
export function reportWithheld<Role extends GroupState>(
  turn: Turn,
  group: Role,
  withheld: string | undefined,
): Role {
  if (withheld === group.withheld) return group;
  if (withheld !== undefined) {
    turn.log('error', 'address-held-elsewhere', `group ${turn.group(group.vrid)?.name}: ${withheld}`);
    return {...group, withheld};
  }
  const {withheld: _, ...rest} = group;
  return rest as Role;
}

/** The addresses that this director has on its interfaces for the group. */
export const assignedOf = (group: GroupState): readonly EngineVip[] =>
  group.role === 'Active' ? group.vips : group.leftover;

/** Initialize -> Backup: the Active is known now, or nobody was heard in time. Leftover addresses stay until the decision. */
export function enterBackup(turn: Turn, group: InitializeGroup, reason: string): BackupGroup {
  transition(turn, group, 'Backup', reason);
  return {...common(group), role: 'Backup', since: turn.now, leftover: group.leftover};
}

/** Initialize or Backup -> Active: addresses added, announced twice, and the Active advert follows in this turn. */
export function enterActive(
  turn: Turn,
  state: State,
  group: InitializeGroup | BackupGroup,
  reason: string,
): ActiveGroup {
  const {vips} = freeVips(turn, state, group);
  const {vrid} = group;
  // Left by an earlier process, and now held by the peer in another group.
  const others = group.leftover.filter((vip) => !vips.includes(vip));
  if (others.length > 0) turn.emit({type: 'release', vrid, vips: others});
  turn.emit({type: 'acquire', vrid, vips});
  for (let burst = 0; burst < defaultSchedule.burst; burst += 1) turn.emit({type: 'announce', vrid, vips});
  transition(turn, group, 'Active', reason);
  const delay = announceDelay(defaultSchedule, defaultSchedule.burst);
  return {
    ...common(group),
    role: 'Active',
    since: turn.now,
    vips,
    announced: defaultSchedule.burst,
    ...(delay === undefined ? {} : {announceAt: turn.now + delay}),
    renewAt: turn.now + renewInterval(turn.config),
    holdUntil: turn.now + turn.config.holddown,
    defendedAt: -Infinity,
    suspicionAt: turn.now + suspicionInterval(turn.config),
  };
}

/**
 * Initialize -> Active while this director only listens: `vips` are on the interfaces already. The group's other addresses
 * follow once it is known that no peer took over meanwhile.
 */
export function continueActive(
  turn: Turn,
  group: InitializeGroup,
  vips: readonly EngineVip[],
  reason: string,
): ActiveGroup {
  transition(turn, group, 'Active', reason);
  return {
    ...common(group),
    role: 'Active',
    since: turn.now,
    vips,
    announced: defaultSchedule.burst,
    renewAt: turn.now,
    holdUntil: turn.now + turn.config.holddown,
    defendedAt: -Infinity,
    suspicionAt: turn.now + suspicionInterval(turn.config),
  };
}

/** Active -> Backup: addresses removed, and the Backup advert follows in this turn. */
export function leaveActive(
  turn: Turn,
  group: ActiveGroup,
  reason: string,
  more: Partial<Pick<BackupGroup, 'operatorHold' | 'stoodDown' | 'retryAt'>> = {},
): BackupGroup {
  turn.emit({type: 'release', vrid: group.vrid, vips: group.vips});
  transition(turn, group, 'Backup', reason);
  return {
    ...common(group),
    role: 'Backup',
    since: turn.now,
    leftover: [],
    holdUntil: turn.now + turn.config.holddown,
    ...more,
  };
}

/** Removes addresses that an earlier process left, because another director holds them now. */
export function releaseLeftover<Role extends InitializeGroup | BackupGroup>(turn: Turn, group: Role): Role {
  if (group.leftover.length === 0) return group;
  turn.emit({type: 'release', vrid: group.vrid, vips: group.leftover});
  return {...group, leftover: []};
}

/** Any role -> Initialize, for good: the addresses stay on the interfaces for this process's successor. */
export function leaveToSuccessor(turn: Turn, group: GroupState, reason: string): InitializeGroup {
  const vips = assignedOf(group);
  if (vips.length > 0) turn.emit({type: 'leave-addresses', vrid: group.vrid, vips});
  if (group.role !== 'Initialize') transition(turn, group, 'Initialize', reason);
  return {...common(group), role: 'Initialize', since: turn.now, leftover: vips, renewAt: Infinity};
}

/** Any role -> none: a reload removed the group. `vips`: the addresses that no other group here keeps. */
export function retire(turn: Turn, group: GroupState, name: string, vips: readonly EngineVip[]): void {
  if (vips.length > 0) turn.emit({type: 'release', vrid: group.vrid, vips});
  if (group.role === 'Initialize') return;
  turn.emit({
    type: 'transition',
    transition: {
      vrid: group.vrid,
      group: name,
      from: group.role,
      to: 'Initialize',
      reason: 'the configuration no longer has this group',
      at: turn.now,
    },
  });
}

/** Starts a takeover, first of the cold resources if there are any; not while a peer has all its addresses in other groups. */
export function startTakeover(
  turn: Turn,
  state: State,
  group: BackupGroup,
  reason: string,
): BackupGroup | ActiveGroup {
  const {vips, withheld} = freeVips(turn, state, group);
  if (withheld !== undefined && vips.length === 0) return reportWithheld(turn, group, withheld);
  if (turn.group(group.vrid)?.cold !== true) return enterActive(turn, state, group, reason);
  turn.emit({type: 'prepare', vrid: group.vrid});
  return {...group, waiting: {need: 'prepare', reason}};
}
