/** Exponential back-off before a restart or a retry. Pure. */
import type {Millis} from './time.ts';

export interface BackoffLimits {
  /** The first pause. */
  readonly first: Millis;
  /** The longest pause. */
  readonly most: Millis;
  /** A process that lived longer is restarted without a pause. */
  readonly stableAfter: Millis;
}

const usual: BackoffLimits = {first: 50, most: 5_000, stableAfter: 5_000};

/** The next pause, from the process's lifetime and the previous pause: none after a long life, else twice the previous. */
export function backoff(lived: Millis, last: Millis, limits: Partial<BackoffLimits> = {}): Millis {
  const {first, most, stableAfter} = {...usual, ...limits};
  if (lived > stableAfter) return 0;
  return Math.min(most, last === 0 ? first : last * 2);
}

/** The pause after this many consecutive failures (from 1): doubles from the first up to the longest. */
export const doubling = (failures: number, {first, most}: Pick<BackoffLimits, 'first' | 'most'>): Millis =>
  Math.min(most, first * 2 ** Math.min(failures - 1, 32));
