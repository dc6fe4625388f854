/** When is a real up, when is it down: ldirectord's failurecount. Pure. */
import type {Instant, Millis} from '@hactl/base';
import type {CheckReport, CheckSpec, CheckState} from './messages.ts';

/** What one probe found. */
export interface ProbeResult {
  readonly passed: boolean;
  /** Why, in words a person can act on. */
  readonly reason: string;
  readonly took: Millis;
}

/** What is known before the first check: an adopted real keeps its state and its good name. */
export function freshReport(spec: CheckSpec, now: Instant): CheckReport {
  const state: CheckState = spec.initial ?? 'unknown';
  return {id: spec.id, state, failures: 0, checks: 0, reason: 'not checked yet', took: 0, at: now};
}

/**
 * The report after a probe. One success makes it up; `failureCount` failures in a row make it down. A real of which
 * nothing is known goes down with its first failure: it has no traffic that a hasty verdict could hurt.
 */
export function judge(spec: CheckSpec, before: CheckReport, result: ProbeResult, now: Instant): CheckReport {
  const failures = result.passed ? 0 : before.failures + 1;
  const down = before.state === 'unknown' || before.state === 'down' || failures >= spec.failureCount;
  const state: CheckState = result.passed ? 'up' : down ? 'down' : before.state;
  const soft = !result.passed && state === 'up' ? ` (failure ${failures} of ${spec.failureCount})` : '';
  return {
    id: spec.id,
    state,
    failures,
    checks: before.checks + 1,
    reason: `${result.reason}${soft}`,
    took: result.took,
    at: now,
  };
}

/** ldirectord's combined checktype: N connects between two negotiates, and a failed connect is followed by a negotiate. */
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
