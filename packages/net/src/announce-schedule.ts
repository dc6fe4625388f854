/** When an address is announced after it was taken: a schedule as data. Pure. */
import type {Millis} from '@hactl/base';

export interface AnnounceSchedule {
  /** Announcements at once. */
  readonly burst: number;
  /** Delays of further ones, from the takeover on. */
  readonly repeats: readonly Millis[];
  /** Then one in every such interval for as long as the address is held; 0: none. */
  readonly refresh: Millis;
}

/** Two at once (one lost frame must not cost a client its ARP lifetime), a few soon after, then one a minute. */
export const defaultSchedule: AnnounceSchedule = {
  burst: 2,
  repeats: [50, 250, 1_000, 3_000],
  refresh: 60_000,
};

/** Delay of the n-th announcement from the takeover; undefined when there is none. */
export function announceDelay(schedule: AnnounceSchedule, n: number): Millis | undefined {
  if (n < schedule.burst) return 0;
  const later = n - schedule.burst;
  const repeat = schedule.repeats[later];
  if (repeat !== undefined) return repeat;
  if (schedule.refresh === 0) return undefined;
  return (schedule.repeats.at(-1) ?? 0) + schedule.refresh * (later - schedule.repeats.length + 1);
}
