/** How long a failed server stays in the table: keepalived's times and ours. Pure. */
import type {Millis} from '@hactl/base';
import type {CheckerName, Inherited} from './keepalived-checker.ts';

/** Defaults of keepalived 2.2.7. */
export const DELAY_LOOP = 60_000;
const CONNECT_TIMEOUT = 5_000;
const RETRY: Readonly<Partial<Record<CheckerName, number>>> = {DNS_CHECK: 3, MISC_CHECK: 0};
const RETRY_DELAY: Readonly<Partial<Record<CheckerName, Millis>>> = {HTTP_GET: 3_000, SSL_GET: 3_000};

/** More failures than this would be pointless checks: the time is kept, not the count. */
const FAILURES = 4;
const LEAST_INTERVAL = 1_000;

export interface CheckTimes {
  readonly interval: Millis;
  readonly failures: number;
  readonly timeout: Millis;
  /** The longest time to take out a server that refuses, in keepalived and here. */
  readonly detect: Millis;
  /** The same for a server that says nothing. */
  readonly silent: Millis;
  readonly silentHere: Millis;
}

/**
 * keepalived checks every delay_loop, and after a failure `retry` times more at delay_before_retry; ldirectord counts
 * failures at one interval. The interval is chosen so that a dead server is out after the same time.
 */
export function timesOf(kind: CheckerName, settings: Inherited): CheckTimes {
  const delay = settings.delayLoop ?? DELAY_LOOP;
  const retry = settings.retry ?? RETRY[kind] ?? 1;
  const pause = settings.delayBeforeRetry ?? (kind === 'DNS_CHECK' ? delay : (RETRY_DELAY[kind] ?? 1_000));
  const timeout = settings.connectTimeout ?? (kind === 'MISC_CHECK' ? delay : CONNECT_TIMEOUT);
  const detect = delay + retry * pause;
  const most = Math.max(1, Math.floor(detect / Math.min(delay, LEAST_INTERVAL)));
  const failures = Math.min(retry + 1, FAILURES, most);
  const silent = detect + (retry + 1) * timeout;
  // Within a tenth of both times where that can be.
  const wanted = Math.max(detect, Math.min(1.09 * detect, 0.91 * silent - timeout));
  const interval = Math.max(1, Math.round(wanted / failures));
  return {
    interval,
    failures,
    timeout,
    detect,
    silent,
    silentHere: interval * failures + timeout,
  };
}

const seconds = (time: Millis): string => `${Number((time / 1_000).toFixed(2))} s`;

export function timingText(times: CheckTimes): string {
  const {interval, failures, detect, silent, silentHere} = times;
  return `at most ${seconds(detect)} in keepalived when it refuses, ${seconds(silent)} when it is silent; here ${seconds(interval * failures)} and ${seconds(silentHere)} (checkinterval ${seconds(interval)}, failurecount ${failures})`;
}
