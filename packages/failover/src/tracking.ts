/**
 * As in ipfail: which ping nodes and ping groups this director reaches. A group counts as reachable while one of its members
 * answers. The machine compares the result with the peer's and decides.
 */
import type {Instant, Millis} from '@hactl/base';

/** One ping node, or one ping group. */
export interface Target {
  readonly name: string;
  readonly members: readonly string[];
}

export interface ReachState {
  /** By member: when it last answered; the start time if it has not yet. */
  readonly answeredAt: ReadonlyMap<string, Instant>;
}

/** ha.cf's ping and ping_group directives as targets. */
export const targetsOf = (
  pings: readonly string[],
  groups: readonly {readonly name: string; readonly members: readonly string[]}[],
): Target[] => [...pings.map((name) => ({name, members: [name]})), ...groups];

/** No target is lost before it had a chance to answer. */
export const startReach = (targets: readonly Target[], now: Instant): ReachState => ({
  answeredAt: new Map(targets.flatMap(({members}) => members.map((member) => [member, now] as const))),
});

export const answered = (state: ReachState, member: string, now: Instant): ReachState => ({
  answeredAt: new Map([...state.answeredAt, [member, now]]),
});

/** Targets without an answer from any member within `deadping`. */
export const lostTargets = (
  state: ReachState,
  targets: readonly Target[],
  deadping: Millis,
  now: Instant,
): Target[] =>
  targets.filter(({members}) =>
    members.every((member) => now - (state.answeredAt.get(member) ?? -Infinity) >= deadping),
  );

/** The ping interval: five chances within deadping, at most ten a second. */
export const pingInterval = (deadping: Millis): Millis => Math.max(100, Math.min(deadping / 5, 1_000));
