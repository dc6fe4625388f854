/** Which director is preferred. Pure. */
import type {EngineConfig} from '../messages.ts';
import type {GroupState, State} from './state.ts';

/** Priority levels, spaced so that the node's index never bridges two of them. */
export const level = {
  operatorHold: 255,
  preferred: 200,
  other: 100,
  /** Each lost target costs two: fewer losses win over preference, and preference decides ties. */
  losing: 90,
  stoodDown: 1,
  none: 0,
} as const;

/** Whether the group's haresources line names this director. */
export const prefers = (config: EngineConfig, vrid: number): boolean =>
  config.groups.find((group) => group.vrid === vrid)?.preferredNode === config.node;

/** The priority in a group's advert: 0 releases, 255 is an operator's hold. */
export function priorityOf(config: EngineConfig, state: State, group: GroupState): number {
  if (group.blocked !== undefined || group.refused?.resting === true) return level.none;
  if (state.stopping && group.role !== 'Active') return level.none;
  if (group.operatorHold) return level.operatorHold;
  if (group.stoodDown || group.failedUntil !== undefined) return level.stoodDown;
  const preferred = prefers(config, group.vrid);
  if (state.trackedDown > 0) return level.losing - 2 * Math.min(state.trackedDown, 40) + (preferred ? 1 : 0);
  return preferred ? level.preferred : level.other;
}
