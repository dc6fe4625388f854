/**
 * Strangers at the peer port: one line a minute for each source, with a count, and few sources a minute by name. Pure:
 * the clock comes from the caller.
 */
import type {Instant, Millis} from '@hactl/base';

const MINUTE: Millis = 60_000;
/** Sources that are named in one minute; the others are counted together. */
const NAMED_MOST = 8;

interface Noise {
  readonly reason: string;
  /** Since it was reported last. */
  count: number;
}

export interface StrangerReport {
  readonly source: string;
  readonly reason: string;
  readonly count: number;
}

export interface Strangers {
  /** Someone was refused; a report when this is the first of a minute from there. */
  refused(source: string, reason: string, now: Instant): StrangerReport | undefined;
  /** The minute's reports, when it is over: what was refused beside what was reported at once. */
  flush(now: Instant): readonly StrangerReport[];
  /** When `flush` has something to say; undefined: nothing is counted. */
  readonly dueAt: Instant | undefined;
}

export function makeStrangers(): Strangers {
  let noise = new Map<string, Noise>();
  let others = 0;
  let since: Instant | undefined;

  return {
    refused: (source, reason, now) => {
      since ??= now;
      const known = noise.get(source);
      if (known) {
        known.count += 1;
        return undefined;
      }
      if (noise.size >= NAMED_MOST) {
        others += 1;
        return undefined;
      }
      noise.set(source, {reason, count: 0});
      return {source, reason, count: 1};
    },
    flush: (now) => {
      if (since === undefined || now - since < MINUTE) return [];
      const reports = [...noise].flatMap(([source, {reason, count}]) =>
        count === 0 ? [] : [{source, reason, count}],
      );
      if (others > 0)
        reports.push({source: 'other addresses', reason: 'not named one by one', count: others});
      // Those that were counted are still at it: their next line is due with the next flush.
      noise = new Map(
        reports
          .slice(0, NAMED_MOST)
          .flatMap(({source, reason}) => (noise.has(source) ? [[source, {reason, count: 0}] as const] : [])),
      );
      others = 0;
      since = noise.size > 0 ? now : undefined;
      return reports;
    },
    get dueAt() {
      return since === undefined ? undefined : since + MINUTE;
    },
  };
}
