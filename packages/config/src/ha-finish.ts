/** ha.cf as a whole: defaults and contradictions. Pure. */
import type {Span} from './model.ts';
import type {Reporter} from './reader.ts';
import type {times} from './ha-words.ts';

type TimeName = (typeof times)[number];

/** The times that were written, in milliseconds, and where. */
export type WrittenTimes = Partial<Record<TimeName, {readonly value: number; readonly span: Span}>>;

/** Fills in heartbeat's defaults; times that contradict each other are an error. */
export function finishTimes(written: WrittenTimes, reporter: Reporter): Record<TimeName, number> {
  const keepalive = written.keepalive?.value ?? 1_000;
  const deadtime = written.deadtime?.value ?? 30_000;
  const warntime = written.warntime?.value ?? deadtime / 2;
  const initdead =
    written.initdead?.value ?? (deadtime > 10_000 ? deadtime : deadtime < 6_000 ? 12_000 : 2 * deadtime);
  const order = (key: TimeName, message: string, help: string): void => {
    const span = (written[key] ?? written.deadtime ?? written.keepalive)?.span;
    if (span) reporter.error('interval-order', span, message, help);
  };
  if (deadtime <= 2 * keepalive)
    order(
      'deadtime',
      `deadtime (${deadtime} ms) must be longer than twice keepalive (${keepalive} ms)`,
      'one lost advert must not make the peer look dead',
    );
  if (warntime > deadtime)
    order(
      'warntime',
      `warntime (${warntime} ms) must be shorter than deadtime (${deadtime} ms)`,
      'the warning would come after the peer is already declared dead',
    );
  if (initdead < deadtime)
    order(
      'initdead',
      `initdead (${initdead} ms) must not be shorter than deadtime (${deadtime} ms)`,
      'a node that boots must not be declared dead sooner than a running one',
    );
  const deadping = written.deadping?.value ?? deadtime;
  if (written.deadping && deadping <= 2 * keepalive)
    order(
      'deadping',
      `deadping (${deadping} ms) must be longer than twice keepalive (${keepalive} ms)`,
      'one lost answer must not count as a failure',
    );
  return {keepalive, deadtime, warntime, initdead, deadping};
}

/** Required directives of a pair. */
export function finishNeeds(
  counts: {readonly media: number; readonly nodes: number; readonly failbackSaid: boolean},
  start: Span,
  reporter: Reporter,
): void {
  if (counts.media === 0)
    reporter.error(
      'no-media',
      start,
      'no heartbeat media: there is no path to send adverts on',
      'add bcast DEVICE, mcast DEVICE GROUP PORT TTL LOOP, or ucast DEVICE ADDRESS',
    );
  if (counts.nodes === 0)
    reporter.error(
      'no-nodes',
      start,
      'no node line',
      'add node NAME for each director, as uname -n prints it',
    );
  if (!counts.failbackSaid && counts.nodes > 1)
    reporter.add(
      'warning',
      'deprecated',
      start,
      'auto_failback is not set: heartbeat then means legacy',
      'write auto_failback on or auto_failback off',
    );
}
