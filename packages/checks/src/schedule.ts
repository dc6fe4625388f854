/** When each check is due: deadlines on a 50 ms wheel, spread over the interval. Pure. */
import type {Instant, Millis} from '@hactl/base';

/** Due checks are started together, once per slot: a wake-up costs more than a check (measured). */
export const SLOT: Millis = 50;
/**
 * A cold start spreads the checks at this rate, and starts all within FIRST_ROUND: started at once, five
 * thousand checks would delay each other until they fail.
 */
const STARTS_PER_MS = 2.5;
const FIRST_ROUND: Millis = 2_000;

/** The end of the slot that contains an instant. */
export const slotOf = (at: Instant): Instant => Math.ceil(at / SLOT) * SLOT;

/** When the n-th of `count` checks is first due: soon, but spread. */
export function firstDue(now: Instant, index: number, count: number): Instant {
  return slotOf(now + Math.min(index / STARTS_PER_MS, FIRST_ROUND * (index / Math.max(1, count))));
}

/**
 * When the next probe is due. The interval runs from due time to due time, so a slow check does not shift the schedule; a check
 * that outlasted its interval is due at once, and missed probes are skipped.
 */
export function nextDue(due: Instant, interval: Millis, now: Instant): Instant {
  const next = due + interval;
  return next > now ? slotOf(next) : slotOf(now);
}
