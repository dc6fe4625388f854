/**
 * Runs the checks: one timer for all, due checks started in batches, never two probes of a check at once. Checks wait in
 * the slots of a wheel, so that the cost of a wake-up does not grow with the number of checks that are not due.
 */
import type {Clock, Instant} from '@hactl/base';
import {openPinger, type Pinger} from '@hactl/net';
import {afterProbe, confinementIn, type Probed} from './check-turn.ts';
import type {Carried, CheckReport, CheckSpec, Costs, FromShard, Late} from './messages.ts';
import {virtualOf} from './placement.ts';
import {probe} from './probes/index.ts';
import {chargeNobody} from './probes/meter.ts';
import {Pace} from './pace.ts';
import {ALLOWANCE, costWords} from './quarantine.ts';
import {makeServicesLateness} from './recent-lateness.ts';
import {firstDue, SLOT, slotOf} from './schedule.ts';
import {makeShortages} from './shortages.ts';
import {measure, Spending} from './spending.ts';
import {makeStarts} from './starts.ts';
import {initialReport, nextKind, shouldReport} from './verdict.ts';
import {makeWheel} from './wheel.ts';

interface Check {
  spec: CheckSpec;
  /** `due`: the slot of the next, or of the current, probe. */
  known: Carried;
  due: Instant;
  running: boolean;
  /** Replaced or removed while its probe ran: the result is discarded. */
  gone: boolean;
  spending: Spending;
}

/** An idle check. It has an allowance only where expensive checks are handed over; elsewhere it is only measured. */
function makeCheck(spec: CheckSpec, carried: Carried, costs: Costs, now: Instant): Check {
  const confinement = confinementIn(costs, carried.confinement, now);
  const known = {...carried, ...(confinement ? {confinement} : {})};
  return {spec, known, due: carried.due, running: false, gone: false, spending: spendingIn(costs, spec)};
}

function spendingIn(costs: Costs, spec: CheckSpec): Spending {
  const spending = new Spending(costs === 'handover' ? ALLOWANCE : undefined);
  measure(spec, spending);
  return spending;
}

async function probeOnce(
  {spec, spending, known}: Check,
  {clock, pinger, costs, pace}: {clock: Clock; pinger: Pinger; costs: Costs; pace: Pace},
): Promise<Probed> {
  const kind = nextKind(spec, known.report, known.sinceNegotiate);
  const slowness = costs === 'quarantine' ? known.confinement?.slowness : pace.slowness;
  spending.reset(slowness);
  const result = await probe(spec, kind, clock, pinger);
  // Its last event is still charged, but can no longer interrupt it.
  const interrupted = spending.interrupted !== undefined;
  chargeNobody();
  pace.note(spending.wall);
  const sinceNegotiate = kind === 'connect' ? known.sinceNegotiate + 1 : 0;
  return {result, interrupted, cost: spending.cost(), slowness: slowness ?? 1, sinceNegotiate};
}

const sameSpec = (left: CheckSpec, right: CheckSpec): boolean => {
  const {initial: _, ...rest} = left;
  const {initial: __, ...others} = right;
  return JSON.stringify(rest) === JSON.stringify(others);
};

export interface ChecksDriver {
  configure(specs: readonly CheckSpec[]): void;
  /** Sets the cost policy for the checks from now on. */
  treat(costs: Costs): void;
  /** Adopts a check from another process. */
  adopt(spec: CheckSpec, carried: Carried): void;
  forget(id: string): void;
  reports(): readonly CheckReport[];
  /** How late checks were started, compared with the schedule. */
  lateness(): Late;
  /** The same for the last minute or two, by virtual service. */
  services(): Record<string, Late>;
  stop(): void;
}

/** Starts without checks. `identity` marks this process's pings. */
export function startChecks(clock: Clock, identity: number, say: (message: FromShard) => void): ChecksDriver {
  const checks = new Map<string, Check>();
  const means = {clock, pinger: openPinger(identity & 0xffff), pace: new Pace()};
  const wheel = makeWheel<Check>();
  /** Due checks that wait for a free slot, longest wait first. */
  const overdue = new Set<Check>();
  let timer: NodeJS.Timeout | undefined;
  let timerAt: Instant = Infinity;
  const starts = makeStarts();
  const lateness = makeServicesLateness();
  let costs: Costs = 'keep';
  const shortages = makeShortages((message) => say({type: 'log', level: 'warn', message}));

  function put(check: Check, due: Instant): void {
    overdue.delete(check);
    wheel.put(check, due);
    if (due < timerAt) arm(due);
  }

  function arm(at: Instant): void {
    clearTimeout(timer);
    timerAt = at;
    timer = at < Infinity ? setTimeout(onTimer, Math.max(0, Math.ceil(at - clock.now()))) : undefined;
  }

  function onTimer(): void {
    chargeNobody();
    timerAt = Infinity;
    const now = clock.now();
    starts.slot(now);
    const waiting = [...overdue];
    overdue.clear();
    for (const check of waiting) begin(check, now);
    for (const check of wheel.take(now)) begin(check, now);
    arm(Math.min(overdue.size > 0 ? slotOf(now + SLOT) : Infinity, wheel.nextDue()));
  }

  function begin(check: Check, now: Instant): void {
    if (check.gone || check.running) return;
    // The schedule is kept: the next probe is due one interval after this one was due.
    if (starts.full(check.spec)) overdue.add(check);
    else {
      lateness.note(virtualOf(check.spec), now - check.due, now);
      void run(check);
    }
  }

  async function run(check: Check): Promise<void> {
    const {spec} = check;
    check.running = true;
    starts.begin(spec);
    const probed = await probeOnce(check, {...means, costs});
    starts.end(spec);
    check.running = false;
    if (check.gone) return;
    const before = check.known.report;
    const {carried, moves} = afterProbe(spec, {...check.known, due: check.due}, probed, costs, clock.now());
    check.known = carried;
    if (!probed.interrupted) {
      shortages.note(probed.result);
      if (shouldReport(before, carried.report)) say({type: 'verdict', report: carried.report});
    }
    if (!moves) return put(check, carried.due);
    forget(spec.id);
    say({type: 'handover', id: spec.id, carried, why: costWords(probed.cost)});
  }

  function forget(id: string): void {
    const check = checks.get(id);
    if (!check) return;
    check.gone = true;
    checks.delete(id);
  }

  return {
    configure: (specs) => {
      chargeNobody();
      const wanted = new Map(specs.map((spec) => [spec.id, spec]));
      for (const [id, check] of checks) {
        const spec = wanted.get(id);
        if (!spec || !sameSpec(spec, check.spec)) forget(id);
      }
      lateness.keep(new Set(specs.map(virtualOf)));
      starts.configure(specs);
      const now = clock.now();
      let index = 0;
      for (const spec of wanted.values()) {
        if (checks.has(spec.id)) continue;
        const unknown = {report: initialReport(spec, now), due: now, sinceNegotiate: 0};
        const check = makeCheck(spec, unknown, costs, now);
        checks.set(spec.id, check);
        put(check, firstDue(now, index, wanted.size));
        index += 1;
      }
    },
    treat: (wanted) => {
      costs = wanted;
      starts.treat(costs, clock.now());
      for (const check of checks.values()) check.spending = spendingIn(costs, check.spec);
    },
    adopt: (spec, carried) => {
      chargeNobody();
      forget(spec.id);
      const check = makeCheck(spec, carried, costs, clock.now());
      checks.set(spec.id, check);
      put(check, slotOf(Math.max(carried.due, clock.now())));
    },
    forget,
    reports: () => [...checks.values()].map(({known}) => known.report),
    lateness: () => lateness.all(),
    services: () => lateness.services(clock.now()),
    stop: () => {
      arm(Infinity);
      for (const id of checks.keys()) forget(id);
      wheel.clear();
      overdue.clear();
      means.pinger.close();
    },
  };
}
