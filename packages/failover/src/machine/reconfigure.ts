/** A reload: changed addresses, added and removed groups. */
import type {EngineConfig, EngineGroup, EngineVip} from '../messages.ts';
import {
  assignedOf,
  continueActive,
  enterActive,
  enterBackup,
  freeVips,
  initialGroup,
  reportWithheld,
  retire,
  vipKey,
} from './roles.ts';
import type {GroupState, State} from './state.ts';
import type {Turn} from './turn.ts';

const stillConfigured = (vips: readonly EngineVip[], group: EngineGroup): readonly EngineVip[] =>
  vips.filter((vip) => group.vips.some((next) => vipKey(next) === vipKey(vip)));

const activeVips = (state: State): readonly EngineVip[] =>
  state.groups.flatMap((group) => (group.role === 'Active' ? group.vips : []));

/** Whether the kernel considers `next` and `old` the same address: it cannot have both on one device. */
const excludes = (old: EngineVip, next: EngineVip): boolean =>
  old.address === next.address &&
  old.device === next.device &&
  (old.family === 6 || old.prefixLength === next.prefixLength);

/**
 * Leaves no address behind and drops none that stays: a group is identified by its id or, if that changed, by the addresses
 * that this director holds. New groups start as on a running director.
 */
export function onConfigure(turn: Turn, state: State, previous: EngineConfig): State {
  const {config} = turn;
  const assigned = state.groups.flatMap((group) => assignedOf(group));
  const heldHere = new Set(activeVips(state).map(({address}) => address));
  // A group that keeps its role has these addresses from here on.
  const planned = config.groups.map((group) => ({
    group,
    known: state.groups.find(({vrid}) => vrid === group.vrid),
    continues: group.vips.some(({address}) => heldHere.has(address)),
  }));
  const kept = planned.flatMap(({group, known, continues}) => {
    if (known && known.role !== 'Active') return stillConfigured(known.leftover, group);
    return known || continues ? group.vips : [];
  });
  const keptKeys = new Set(kept.map(vipKey));
  const gone = assigned.filter((vip) => !keptKeys.has(vipKey(vip)));
  const first = gone.filter((vip) => kept.some((next) => excludes(vip, next)));
  const last = gone.filter((vip) => !first.includes(vip));
  for (const group of state.groups) releaseOf(turn, group, first);
  const groups = planned.map(({group, known, continues}) => place(turn, state, group, known, continues));
  for (const group of state.groups) {
    if (config.groups.some(({vrid}) => vrid === group.vrid)) {
      releaseOf(turn, group, last);
      continue;
    }
    const name = previous.groups.find(({vrid}) => vrid === group.vrid)?.name ?? String(group.vrid);
    retire(
      turn,
      group,
      name,
      assignedOf(group).filter((vip) => last.includes(vip)),
    );
  }
  return {...state, groups};
}

function releaseOf(turn: Turn, group: GroupState, gone: readonly EngineVip[]): void {
  const vips = assignedOf(group).filter((vip) => gone.includes(vip));
  if (vips.length > 0) turn.emit({type: 'release', vrid: group.vrid, vips});
}

/** The new state of a group of the new configuration. */
function place(
  turn: Turn,
  state: State,
  group: EngineGroup,
  known: GroupState | undefined,
  continues: boolean,
): GroupState {
  const listening = state.listenOnlyUntil !== undefined;
  if (!known) {
    const initial = initialGroup(group, turn.now);
    if (!continues) return enterBackup(turn, initial, 'the configuration names this group now');
    const reason = 'its addresses are held here already';
    if (!listening) return enterActive(turn, state, initial, reason);
    return continueActive(turn, initial, stillConfigured(activeVips(state), group), reason);
  }
  if (known.role !== 'Active') return {...known, leftover: stillConfigured(known.leftover, group)};
  const same =
    known.vips.length === group.vips.length &&
    stillConfigured(known.vips, group).length === known.vips.length;
  if (same) return known;
  if (listening) return {...known, vips: stillConfigured(activeVips(state), group)};
  const {vips, withheld} = freeVips(turn, state, known);
  turn.emit({type: 'acquire', vrid: group.vrid, vips}, {type: 'announce', vrid: group.vrid, vips});
  return reportWithheld(turn, {...known, vips}, withheld);
}
