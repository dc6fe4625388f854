/**
 * Commit-confirm: after a change is applied the pair is watched. If its health degrades before the change is confirmed or
 * the watch ends, the previous version is restored. Pure.
 */
import type {Instant} from '@hactl/base';
import type {StatusSnapshot} from '../control/protocol.ts';

/** How long an applied change is watched, milliseconds. */
export const WATCH_MS = 60_000;
/** Grace period right after the change in which the pair may be unsettled, milliseconds. */
export const SETTLE_MS = 5_000;

/** Health derived from one status. */
export interface Health {
  readonly serving: boolean;
  readonly ready: boolean;
  readonly up: number;
  readonly problems: number;
}

export const healthOf = ({engine, ready, virtuals, problems}: StatusSnapshot): Health => ({
  // A single director always serves; in a pair each group must be Active here or have a live peer.
  serving:
    engine === undefined ||
    engine.groups.every(
      (group) => group.role === 'Active' || engine.peers.some((peer) => peer.state === 'up'),
    ),
  ready: ready.ready,
  up: virtuals.flatMap(({reals}) => reals).filter(({check}) => check === 'up').length,
  problems: problems.length,
});

/** Why the pair's health is worse than before; undefined: it is not. */
export function worse(before: Health, now: Health): string | undefined {
  if (before.serving && !now.serving) return 'a group has no director';
  if (before.ready && !now.ready) return 'the director is no longer ready';
  if (before.up > 0 && now.up < before.up / 2)
    return `${now.up} real servers are up, ${before.up} before the change`;
  return undefined;
}

export type Watch =
  | {readonly name: 'idle'}
  | {
      readonly name: 'watching';
      readonly version: number;
      readonly before: Health;
      readonly since: Instant;
    };

export type WatchEvent =
  | {readonly type: 'applied'; readonly previousVersion: number; readonly before: Health}
  | {readonly type: 'status'; readonly health: Health}
  | {readonly type: 'unreachable'}
  | {readonly type: 'confirmed'};

export type WatchEffect = {readonly type: 'rollback'; readonly version: number; readonly reason: string};

/** Total: every (state, event) pair is legal. */
export function step(state: Watch, event: WatchEvent, now: Instant): [Watch, WatchEffect[]] {
  if (event.type === 'applied')
    return [{name: 'watching', version: event.previousVersion, before: event.before, since: now}, []];
  if (state.name === 'idle') return [state, []];
  if (event.type === 'confirmed' || now - state.since > WATCH_MS) return [{name: 'idle'}, []];
  // An unreachable daemon cannot roll back either: keep watching.
  if (event.type === 'unreachable' || now - state.since < SETTLE_MS) return [state, []];
  const reason = worse(state.before, event.health);
  if (reason === undefined) return [state, []];
  return [{name: 'idle'}, [{type: 'rollback', version: state.version, reason}]];
}
