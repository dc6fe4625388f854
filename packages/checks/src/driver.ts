/** Runs the checks: one timer for all, due checks started in batches, no check beside itself. */
import type {Clock, Instant} from '@hactl/base';
import {openPinger} from '@hactl/net';
import type {CheckReport, CheckSpec, FromChecks} from './messages.ts';
import {probe} from './probes/index.ts';
import {firstDue, nextDue, slotOf} from './schedule.ts';
import {freshReport, judge, nextKind} from './verdict.ts';

/** More probes at once than this wait for the next slot: descriptors are finite. */
const CONCURRENT_MAX = 4_000;

interface Check {
  spec: CheckSpec;
  report: CheckReport;
  due: Instant;
  running: boolean;
  sinceNegotiate: number;
  /** Replaced or removed while its probe ran: the result is nobody's. */
  gone: boolean;
}

const sameSpec = (one: CheckSpec, other: CheckSpec): boolean => {
  const {initial: _, ...rest} = one;
  const {initial: __, ...others} = other;
  return JSON.stringify(rest) === JSON.stringify(others);
};

export interface ChecksDriver {
  configure(specs: readonly CheckSpec[]): void;
  checkNow(ids?: readonly string[]): void;
  reports(): readonly CheckReport[];
  stop(): void;
}

/** Starts with nothing to check. `identity` marks this process's pings. */
export function startChecks(
  clock: Clock,
  identity: number,
  say: (message: FromChecks) => void,
): ChecksDriver {
  const checks = new Map<string, Check>();
  const pinger = openPinger(identity & 0xffff);
  let timer: NodeJS.Timeout | undefined;
  let timerAt: Instant = Infinity;
  let running = 0;

  function schedule(): void {
    let next = Infinity;
    for (const check of checks.values()) if (!check.running && check.due < next) next = check.due;
    if (next === timerAt) return;
    clearTimeout(timer);
    timerAt = next;
    if (next < Infinity) timer = setTimeout(onTimer, Math.max(0, Math.ceil(next - clock.now())));
  }

  function onTimer(): void {
    timerAt = Infinity;
    const now = clock.now();
    for (const check of checks.values()) {
      if (check.running || check.due > now) continue;
      if (running < CONCURRENT_MAX) void run(check);
      else check.due = slotOf(now + 1);
    }
    schedule();
  }

  async function run(check: Check): Promise<void> {
    const {spec} = check;
    check.running = true;
    running += 1;
    const kind = nextKind(spec, check.report, check.sinceNegotiate);
    check.sinceNegotiate = kind === 'connect' ? check.sinceNegotiate + 1 : 0;
    const result = await probe(spec, kind, clock, pinger).catch((error: unknown) => ({
      passed: false,
      reason: `the check itself failed: ${error instanceof Error ? error.message : String(error)}`,
      took: 0,
    }));
    running -= 1;
    check.running = false;
    if (check.gone) return;
    const now = clock.now();
    const before = check.report;
    check.report = judge(spec, before, result, now);
    check.due = nextDue(check.due, spec.checkInterval, now);
    if (before.state !== check.report.state || before.checks === 0)
      say({type: 'verdict', report: check.report});
    schedule();
  }

  return {
    configure: (specs) => {
      const wanted = new Map(specs.map((spec) => [spec.id, spec]));
      for (const [id, check] of checks) {
        const spec = wanted.get(id);
        if (spec && sameSpec(spec, check.spec)) continue;
        check.gone = true;
        checks.delete(id);
      }
      const now = clock.now();
      let place = 0;
      for (const spec of wanted.values()) {
        if (checks.has(spec.id)) continue;
        checks.set(spec.id, {
          spec,
          report: freshReport(spec, now),
          due: firstDue(now, place, wanted.size, spec.checkInterval),
          running: false,
          sinceNegotiate: 0,
          gone: false,
        });
        place += 1;
      }
      schedule();
    },
    checkNow: (ids) => {
      const now = clock.now();
      for (const [id, check] of checks) if (!ids || ids.includes(id)) check.due = now;
      schedule();
    },
    reports: () => [...checks.values()].map((check) => check.report),
    stop: () => {
      clearTimeout(timer);
      checks.clear();
      pinger.close();
    },
  };
}
