/** How long to wait before something that ended by itself is started again. Pure. */
import type {Millis} from './time.ts';

export interface BackoffLimits {
  /** The first pause. */
  readonly first: Millis;
  /** No pause is longer. */
  readonly most: Millis;
  /** A process that lived longer is restarted without a pause. */
  readonly stableAfter: Millis;
}

const usual: BackoffLimits = {first: 50, most: 5_000, stableAfter: 5_000};

/** The next pause, from how long it lived and from the pause before: none after a long life, else twice the last one. */
export function backoff(lived: Millis, last: Millis, limits: Partial<BackoffLimits> = {}): Millis {
  const {first, most, stableAfter} = {...usual, ...limits};
  if (lived > stableAfter) return 0;
  return Math.min(most, last === 0 ? first : last * 2);
}

/** The pause after so many failures in a row (from 1): the first, then twice the last each time, up to the longest. */
export const doubling = (failures: number, {first, most}: Pick<BackoffLimits, 'first' | 'most'>): Millis =>
  Math.min(most, first * 2 ** Math.min(failures - 1, 32));
