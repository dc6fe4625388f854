/** When each check is due: deadlines on a 20 ms wheel, spread over the interval. Pure. */
import type {Instant, Millis} from '@hactl/base';

/** Due checks are started together, once in such a slot: a wake-up costs more than a check (measured). */
export const SLOT: Millis = 20;
/** The first round of a cold start is over within this time, however long the interval. */
const FIRST_ROUND: Millis = 500;

/** The end of the slot that an instant lies in. */
export const slotOf = (at: Instant): Instant => Math.ceil(at / SLOT) * SLOT;

/** When the n-th of `count` checks is due for the first time: at once, but not all in one moment. */
export function firstDue(now: Instant, place: number, count: number, interval: Millis): Instant {
  const spread = Math.min(interval, FIRST_ROUND) * (count <= 1 ? 0 : place / count);
  return slotOf(now + Math.min(spread, count * 2));
}

/**
 * When the next one is due. The interval counts from due to due, so a slow check does not push the others back; a check
 * that outlasted its interval is due at once, and what it missed is not made up for.
 */
export function nextDue(due: Instant, interval: Millis, now: Instant): Instant {
  const next = due + interval;
  return next > now ? slotOf(next) : slotOf(now);
}
