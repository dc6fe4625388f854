/** When each check is due: deadlines on a 50 ms wheel, spread over the interval. Pure. */
import type {Instant, Millis} from '@hactl/base';

/** Due checks are started together, once in such a slot: a wake-up costs more than a check (measured). */
export const SLOT: Millis = 50;
/**
 * A cold start begins so many checks in a millisecond, and has begun all within FIRST_ROUND: started in one moment, five
 * thousand of them would keep one another waiting until they fail.
 */
const STARTS_PER_MS = 2.5;
const FIRST_ROUND: Millis = 2_000;

/** The end of the slot that an instant lies in. */
export const slotOf = (at: Instant): Instant => Math.ceil(at / SLOT) * SLOT;

/** When the n-th of `count` checks is due for the first time: at once, but not all in one moment. */
export function firstDue(now: Instant, index: number, count: number): Instant {
  return slotOf(now + Math.min(index / STARTS_PER_MS, FIRST_ROUND * (index / Math.max(1, count))));
}

/**
 * When the next one is due. The interval counts from due to due, so a slow check does not push the others back; a check
 * that outlasted its interval is due at once, and what it missed is not made up for.
 */
export function nextDue(due: Instant, interval: Millis, now: Instant): Instant {
  const next = due + interval;
  return next > now ? slotOf(next) : slotOf(now);
}
