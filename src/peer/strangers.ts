/**
 * Strangers at the peer port: one line per minute and source, with a count, and only a few sources per minute by name. Pure:
 * the caller passes the time.
 */
import type {Instant, Millis} from '@hactl/base';

const MINUTE: Millis = 60_000;
/** Maximum sources named per minute; the others are counted together. */
const NAMED_MOST = 8;

interface Noise {
  readonly reason: string;
  /** Count since its last report. */
  count: number;
}

export interface StrangerReport {
  readonly source: string;
  readonly reason: string;
  readonly count: number;
}

export interface Strangers {
  /** Records a refusal; returns a report for a source's first in a minute. */
  refused(source: string, reason: string, now: Instant): StrangerReport | undefined;
  /** The reports after a minute: the refusals not reported at once. */
  flush(now: Instant): readonly StrangerReport[];
  /** When `flush` has something to report; undefined: nothing counted. */
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
      // The counted sources are still active: their next line is due at the next flush.
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
