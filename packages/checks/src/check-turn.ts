/** One check of one real server, from one probe to the next. Pure. */
import type {Instant} from '@hactl/base';
import type {Carried, CheckReport, CheckSpec, Costs} from './messages.ts';
import {afterCheck, confinedAt, type Confinement, type Cost} from './quarantine.ts';
import {nextDue, slotOf} from './schedule.ts';
import {nextReport, spared, type ProbeResult} from './verdict.ts';

/** A finished probe. */
export interface Probed {
  readonly result: ProbeResult;
  /** It was interrupted for its cost: there is no result. */
  readonly interrupted: boolean;
  readonly cost: Cost;
  /** Of the processor (pace.ts). */
  readonly slowness: number;
  /** Connects since the last negotiate, with this one. */
  readonly sinceNegotiate: number;
}

export interface Turn {
  readonly carried: Carried;
  /** The check goes on in another process. */
  readonly moves: boolean;
}

/** The initial state of a check in a process with this cost policy. */
export const confinementIn = (
  costs: Costs,
  known: Confinement | undefined,
  now: Instant,
): Confinement | undefined => known ?? (costs === 'quarantine' ? confinedAt(now) : undefined);

/** The state after a probe. An interrupted one is repeated at once: in quarantine, or here if quarantine is over. */
export function afterProbe(
  spec: CheckSpec,
  before: Carried,
  {result, interrupted, cost, slowness, sinceNegotiate}: Probed,
  costs: Costs,
  now: Instant,
): Turn {
  const confinement = afterCheck(before.confinement, cost, now, slowness);
  const moves =
    costs !== 'keep' && (confinement?.confined ?? false) !== (before.confinement?.confined ?? false);
  const known = confinement ? {confinement} : {};
  if (interrupted) return {carried: {...before, due: moves ? before.due : slotOf(now), ...known}, moves};
  const report: CheckReport =
    result.shortage === undefined
      ? nextReport(spec, before.report, result, now)
      : spared(before.report, result, now);
  return {
    carried: {report, due: nextDue(before.due, spec.checkInterval, now), sinceNegotiate, ...known},
    moves,
  };
}
