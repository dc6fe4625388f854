/** Failure detection times of keepalived and their counterparts here. Pure. */
import type {Millis} from '@hactl/base';
import type {CheckerName, Inherited} from './keepalived-checker.ts';

/** Defaults of keepalived 2.2.7. */
export const DELAY_LOOP = 60_000;
const CONNECT_TIMEOUT = 5_000;
const RETRY: Readonly<Partial<Record<CheckerName, number>>> = {DNS_CHECK: 3, MISC_CHECK: 0};
const RETRY_DELAY: Readonly<Partial<Record<CheckerName, Millis>>> = {HTTP_GET: 3_000, SSL_GET: 3_000};

/** Maximum failurecount: the detection time is preserved, not the number of checks. */
const FAILURES = 4;
const LEAST_INTERVAL = 1_000;

export interface CheckTimes {
  readonly interval: Millis;
  readonly failures: number;
  readonly timeout: Millis;
  /** Longest time until a server that refuses connections is removed, in keepalived. */
  readonly detect: Millis;
  /** The same for a server that does not answer, in keepalived and here. */
  readonly silent: Millis;
  readonly silentHere: Millis;
}

/**
 * keepalived checks every delay_loop, and after a failure `retry` times more at delay_before_retry; ldirectord has a single
 * interval. It is chosen such that a failed server is removed after the same time.
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
  // Within 10 % of both times if possible.
  const target = Math.max(detect, Math.min(1.09 * detect, 0.91 * silent - timeout));
  const interval = Math.max(1, Math.round(target / failures));
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
  return `at most ${seconds(detect)} in keepalived if it refuses connections, ${seconds(silent)} if it does not answer; here ${seconds(interval * failures)} and ${seconds(silentHere)} (checkinterval ${seconds(interval)}, failurecount ${failures})`;
}
