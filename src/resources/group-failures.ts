/** Failures of a group's resources: the group should run elsewhere, and is retried here after an exponential hold-off. */
import type {Clock, Instant, Millis} from '@hactl/base';
import {hideArguments} from '@hactl/config';
import type {Log} from '../system/log.ts';
import {holdOffAfter} from './resource-settings.ts';
import type {Unit} from './resource-unit.ts';

/** Consecutive failures of a group. */
interface Failures {
  readonly count: number;
  readonly at: Instant;
  readonly holdOff: Millis;
}

const RETRY_LEAST: Millis = 1_000;

export interface FailureOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Move the group away, and keep it away for the hold-off. */
  readonly giveUp: (vrid: number, reason: string, holdOff: Millis) => void;
  /** The hold-off has expired, and the group may still be here. */
  readonly retry: (vrid: number) => void;
}

export interface GroupFailures {
  fail(unit: Unit, reason: string): void;
  /** Stops all retries. */
  close(): void;
}

/** A failure counts as consecutive if it comes within three times the last hold-off. */
const nextFailures = (last: Failures | undefined, first: Millis, now: Instant): Failures => {
  const inARow = last !== undefined && now - last.at < 3 * last.holdOff;
  const count = inARow ? last.count + 1 : 1;
  return {count, at: now, holdOff: holdOffAfter(first, count)};
};

export function makeGroupFailures({clock, log, giveUp, retry}: FailureOptions): GroupFailures {
  const failures = new Map<number, Failures>();
  const retries = new Map<number, NodeJS.Timeout>();
  return {
    fail: (unit, cause) => {
      const {vrid, settings} = unit.placed;
      const next = nextFailures(failures.get(vrid), settings.holdOff, clock.now());
      failures.set(vrid, next);
      unit.blame(cause);
      const reason = `resource ${hideArguments(unit.name)}: ${cause}`;
      log('error', reason);
      giveUp(vrid, reason, next.holdOff);
      clearTimeout(retries.get(vrid));
      retries.set(
        vrid,
        setTimeout(() => retry(vrid), Math.max(RETRY_LEAST, next.holdOff)),
      );
    },
    close: () => {
      for (const timer of retries.values()) clearTimeout(timer);
    },
  };
}
