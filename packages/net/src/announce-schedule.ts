/** When an address is announced after a takeover: a schedule as data. Pure. */
import type {Millis} from '@hactl/base';

export interface AnnounceSchedule {
  /** Announcements at once. */
  readonly burst: number;
  /** Delays of further announcements, counted from the takeover. */
  readonly repeats: readonly Millis[];
  /** The interval of announcements after that, while the address is assigned; 0: none. */
  readonly refresh: Millis;
}

/** Two at once (one lost frame must not cost a client its ARP lifetime), a few soon after, then one a minute. */
export const defaultSchedule: AnnounceSchedule = {
  burst: 2,
  repeats: [50, 250, 1_000, 3_000],
  refresh: 60_000,
};

/** The delay of the n-th announcement, counted from the takeover; undefined: no more. */
export function announceDelay(schedule: AnnounceSchedule, n: number): Millis | undefined {
  if (n < schedule.burst) return 0;
  const later = n - schedule.burst;
  const repeat = schedule.repeats[later];
  if (repeat !== undefined) return repeat;
  if (schedule.refresh === 0) return undefined;
  return (schedule.repeats.at(-1) ?? 0) + schedule.refresh * (later - schedule.repeats.length + 1);
}
