/** Decides whether a real server is up or down: ldirectord's failurecount, and hactl's opt-in rules. Pure. */
import type {Instant, Millis} from '@hactl/base';
import type {CertificateEnd, CheckReport, CheckSpec, CheckState, Flaps, WantedWeight} from './messages.ts';

/** The result of one probe. */
export interface ProbeResult {
  readonly passed: boolean;
  /** The reason, as a message for the operator. */
  readonly reason: string;
  readonly took: Millis;
  readonly weight?: WantedWeight;
  /** The server's certificate, for checks over TLS. */
  readonly certificate?: CertificateEnd;
  /** A local resource shortage: the probe tells nothing about the server. */
  readonly shortage?: string;
}

/** The state before the first check: an adopted real server keeps its state. */
export function initialReport(spec: CheckSpec, now: Instant): CheckReport {
  const state: CheckState = spec.initial ?? 'unknown';
  return {id: spec.id, state, failures: 0, checks: 0, reason: 'not checked yet', took: 0, at: now};
}

/** The flap penalty after another verdict. Each failure adds to it; it decays with time. */
function flapsAfter(
  damping: NonNullable<CheckSpec['damping']>,
  before: Flaps | undefined,
  alive: boolean,
  fell: boolean,
  now: Instant,
): Flaps {
  const faded = before ? before.penalty * 2 ** ((before.at - now) / damping.halfLife) : 0;
  const penalty = faded + (fell ? 1 : 0);
  const damped = penalty >= damping.suppress || (penalty >= damping.reuse && (before?.damped ?? false));
  return {penalty, at: now, alive, damped};
}

/** Why a passing real server is kept down, and for about how long. */
function dampedReason({penalty}: Flaps, {reuse, halfLife}: NonNullable<CheckSpec['damping']>): string {
  const left = Math.ceil((halfLife * Math.log2(penalty / reuse)) / 1_000);
  return `it went up and down too often: out of service for about ${left} s more, if it stays up`;
}

/** The certificate to report; undefined: it is valid for long enough. */
const endingCertificate = (
  spec: CheckSpec,
  certificate: CertificateEnd | undefined,
): CertificateEnd | undefined =>
  certificate && certificate.days < (spec.certDays ?? 0) ? certificate : undefined;

/**
 * The report after a probe. One success makes a server up (or `rise` successes, if configured); `failureCount` failures in a
 * row make it down. A real server in an unknown state goes down with its first failure: it has no traffic that a hasty
 * verdict could hurt. It is up with its first success, so that a start is not delayed.
 */
export function nextReport(
  spec: CheckSpec,
  before: CheckReport,
  result: ProbeResult,
  now: Instant,
): CheckReport {
  const {passed, weight} = result;
  const {damping, rise = 1} = spec;
  const known: CheckState =
    before.flaps && before.state !== 'unknown' ? (before.flaps.alive ? 'up' : 'down') : before.state;
  const failures = passed ? 0 : before.failures + 1;
  const passes = passed && known === 'down' ? (before.passes ?? 0) + 1 : 0;
  const rising = passed && known === 'down' && passes < rise;
  const down = known !== 'up' || failures >= spec.failureCount;
  const judged: CheckState = passed ? (rising ? 'down' : 'up') : down ? 'down' : known;
  const flaps = damping
    ? flapsAfter(damping, before.flaps, judged === 'up', known === 'up' && judged === 'down', now)
    : undefined;
  const damped = judged === 'up' && flaps?.damped === true;
  // A check without a completed handshake keeps the previous certificate.
  const certificate = passed ? endingCertificate(spec, result.certificate) : before.certificate;
  const more = (): string => {
    if (!passed && judged === 'up') return ` (failure ${failures} of ${spec.failureCount})`;
    if (rising) return ` (${passes} of ${rise} passed checks before it serves again)`;
    return damped && damping ? `; ${dampedReason(flaps, damping)}` : '';
  };
  return {
    id: spec.id,
    state: damped ? 'down' : judged,
    failures,
    ...(rising ? {passes} : {}),
    ...(flaps ? {flaps} : {}),
    ...(passed && weight ? {weight} : {}),
    ...(certificate ? {certificate} : {}),
    checks: before.checks + 1,
    reason: `${result.reason}${more()}${passed && certificate ? `; ${certificate.words}` : ''}`,
    took: result.took,
    at: now,
  };
}

/** The report after a probe that this machine could not make: the server keeps its state, and the reason is reported. */
export const spared = (before: CheckReport, {reason, shortage}: ProbeResult, now: Instant): CheckReport => ({
  ...before,
  reason: `not checked, ${before.state === 'unknown' ? 'nothing is known of it' : `still ${before.state}`}: ${shortage ?? reason}`,
  at: now,
});

/** Must the supervisor be notified at once? */
export const shouldReport = (before: CheckReport, after: CheckReport): boolean =>
  before.checks === 0 ||
  before.state !== after.state ||
  before.certificate?.date !== after.certificate?.date ||
  before.certificate?.days !== after.certificate?.days ||
  before.weight?.value !== after.weight?.value ||
  before.weight?.percent !== after.weight?.percent;

/** ldirectord's combined checktype: N connects between two negotiates, and after a failed connect the next check negotiates. */
export function nextKind(
  spec: CheckSpec,
  before: CheckReport,
  sinceNegotiate: number,
): 'connect' | 'negotiate' {
  if (spec.checkType.kind !== 'combined') return 'negotiate';
  return before.checks === 0 || before.failures > 0 || sinceNegotiate >= spec.checkType.connects
    ? 'negotiate'
    : 'connect';
}
