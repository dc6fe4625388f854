/** Combines the answers of all shards: the reports of all checks, and how late they were started. */
import type {Millis} from '@hactl/base';
import type {CheckReport, CheckSpec, FromChecks, FromShard, Late, ServiceLateness} from './messages.ts';
import {virtualOf} from './placement.ts';
import {worstOf} from './recent-lateness.ts';
import {tell, type Shard} from './shard-process.ts';

/** A shard that does not answer within this time is left out of the report, and counts as late by it. */
const REPORT_LIMIT: Millis = 1_000;

/** What is known of a shard that has no time to answer. */
const SILENT: Late = {p50: REPORT_LIMIT, p99: REPORT_LIMIT, max: REPORT_LIMIT};

type Answer = Extract<FromShard, {type: 'reports'}>;

interface Round {
  readonly waiting: Set<Shard>;
  readonly found: Map<Shard, Answer>;
  readonly timer: NodeJS.Timeout;
}

export interface ReportRounds {
  /** Asks the shards; a round in progress serves this request too. */
  ask(shards: readonly Shard[]): void;
  answered(shard: Shard, answer: Answer): void;
  /** It will not answer. */
  without(shard: Shard): void;
}

export function makeReportRounds(
  say: (message: FromChecks) => void,
  /** The shard that currently runs the check. */
  ownerOf: (id: string) => Shard | undefined,
  /** Every check. */
  checks: () => Iterable<CheckSpec>,
): ReportRounds {
  let round: Round | undefined;
  function finish(): void {
    if (!round) return;
    clearTimeout(round.timer);
    const {found, waiting} = round;
    round = undefined;
    const busy = [...waiting].some((shard) => shard.costs !== 'quarantine');
    say(merged(found, ownerOf, checks(), busy ? [SILENT] : []));
  }
  const without = (shard: Shard): void => {
    if (round?.waiting.delete(shard) && round.waiting.size === 0) finish();
  };
  return {
    ask: (shards) => {
      if (round) return;
      const waiting = new Set(shards.filter((shard) => shard.ready && shard.process));
      round = {waiting, found: new Map(), timer: setTimeout(finish, REPORT_LIMIT)};
      for (const shard of waiting) tell(shard, {type: 'report'});
      if (waiting.size === 0) finish();
    },
    answered: (shard, answer) => {
      if (round?.waiting.has(shard)) round.found.set(shard, answer);
      without(shard);
    },
    without,
  };
}

/** A check in transit between shards is reported as it was handed over. */
function merged(
  found: ReadonlyMap<Shard, Answer>,
  ownerOf: (id: string) => Shard | undefined,
  checks: Iterable<CheckSpec>,
  silent: readonly Late[],
): Extract<FromChecks, {type: 'reports'}> {
  const reports = new Map<string, CheckReport>();
  const quarantined: string[] = [];
  const [shared, apart] = [new Map<string, Late[]>(), new Map<string, Late[]>()];
  const lateness: Late[] = [...silent];
  for (const [shard, answer] of found) {
    const confined = shard.costs === 'quarantine';
    for (const report of answer.reports) if (ownerOf(report.id) === shard) reports.set(report.id, report);
    for (const [id, {report}] of shard.adopting) reports.set(id, report);
    if (!confined) lateness.push(answer.lateness);
    const known = confined ? apart : shared;
    for (const [virtual, own] of Object.entries(answer.services))
      known.set(virtual, [...(known.get(virtual) ?? []), own]);
  }
  const late = new Map([...apart, ...shared]);
  const services: ServiceLateness[] = [];
  for (const spec of checks) {
    // At a lower priority its process often answers too late.
    if (ownerOf(spec.id)?.costs === 'quarantine') quarantined.push(spec.id);
    const own = late.get(virtualOf(spec));
    if (own) services.push({check: spec.id, ...worstOf(own)});
    late.delete(virtualOf(spec));
  }
  return {
    type: 'reports',
    reports: [...reports.values()],
    lateness: worstOf(lateness),
    services,
    quarantined,
  };
}
