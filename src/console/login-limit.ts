/** Rate limit of password attempts. Pure. */
import {doubling, type Instant} from '@hactl/base';

export interface LoginLimit {
  /** Failed attempts, keyed by user and by address. */
  readonly failures: ReadonlyMap<string, {readonly count: number; readonly until: Instant}>;
}

export const noFailures: LoginLimit = {failures: new Map()};

/** Attempts without a delay. */
const FREE = 5;
const PAUSES = {first: 1_000, most: 300_000};
/** Maximum keys remembered; the oldest are dropped. */
const REMEMBERED_MOST = 10_000;

/** Milliseconds until the next attempt is allowed for all of these keys; 0: now. */
export const pauseOf = ({failures}: LoginLimit, keys: readonly string[], now: Instant): number =>
  Math.max(0, ...keys.map((key) => (failures.get(key)?.until ?? now) - now));

/** Records a failed attempt: beyond the free ones each doubles the pause, up to five minutes. */
export function failed({failures}: LoginLimit, keys: readonly string[], now: Instant): LoginLimit {
  const next = new Map([...failures].slice(-REMEMBERED_MOST));
  for (const key of keys) {
    const count = (failures.get(key)?.count ?? 0) + 1;
    const pause = count < FREE ? 0 : doubling(count - FREE + 1, PAUSES);
    next.delete(key);
    next.set(key, {count, until: now + pause});
  }
  return {failures: next};
}

/** Clears the keys after a successful login. */
export function succeeded({failures}: LoginLimit, keys: readonly string[]): LoginLimit {
  const next = new Map(failures);
  for (const key of keys) next.delete(key);
  return {failures: next};
}
