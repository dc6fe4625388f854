/**
 * Runs the checks: one timer for all, due checks started in batches, no check beside itself. Checks wait in the slots of
 * a wheel, so that what one wake-up costs does not grow with the number of checks that are not due.
 */
import {makeLateness, type Clock, type Instant, type Lateness} from '@hactl/base';
import {openPinger} from '@hactl/net';
import type {CheckReport, CheckSpec, FromChecks} from './messages.ts';
import {isCommand, virtualOf} from './placement.ts';
import {probe} from './probes/index.ts';
import {chargeNobody} from './probes/meter.ts';
import {makeRooms} from './rooms.ts';
import {firstDue, nextDue, SLOT, slotOf} from './schedule.ts';
import {makeShortages} from './shortages.ts';
import {initialReport, shouldReport, nextReport, nextKind, spared} from './verdict.ts';
import {makeWheel} from './wheel.ts';

/** More probes than this at once wait for the next slot: descriptors are finite. */
const CONCURRENT_MAX = 4_000;
/** Maximum concurrent external commands, however many sockets are allowed. */
const COMMANDS_MAX = 32;

interface Check {
  spec: CheckSpec;
  report: CheckReport;
  /** The slot that it waits in, or was due in. */
  due: Instant;
  running: boolean;
  sinceNegotiate: number;
  /** Replaced or removed while its probe ran: the result is discarded. */
  gone: boolean;
}

const sameSpec = (left: CheckSpec, right: CheckSpec): boolean => {
  const {initial: _, ...rest} = left;
  const {initial: __, ...others} = right;
  return JSON.stringify(rest) === JSON.stringify(others);
};

export interface ChecksDriver {
  configure(specs: readonly CheckSpec[]): void;
  reports(): readonly CheckReport[];
  /** How late checks were started, against the schedule. */
  lateness(): ReturnType<Lateness['summary']>;
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
  const wheel = makeWheel<Check>();
  /** Checks that found no free place when they were due, the longest-waiting first. */
  const overdue = new Set<Check>();
  let timer: NodeJS.Timeout | undefined;
  let timerAt: Instant = Infinity;
  let running = 0;
  const rooms = makeRooms(COMMANDS_MAX);
  const lateness = makeLateness();
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
    const waiting = [...overdue];
    overdue.clear();
    for (const check of waiting) begin(check, now);
    for (const check of wheel.take(now)) begin(check, now);
    arm(Math.min(overdue.size > 0 ? slotOf(now + SLOT) : Infinity, wheel.nextDue()));
  }

  function begin(check: Check, now: Instant): void {
    if (check.gone || check.running) return;
    const full = running >= CONCURRENT_MAX || (isCommand(check.spec) && !rooms.free(virtualOf(check.spec)));
    // Its place in the schedule stays: the next one is due an interval after this one was.
    if (full) overdue.add(check);
    else {
      lateness.note(now - check.due);
      void run(check);
    }
  }

  async function run(check: Check): Promise<void> {
    const {spec} = check;
    check.running = true;
    const virtual = isCommand(spec) ? virtualOf(spec) : undefined;
    running += 1;
    if (virtual !== undefined) rooms.take(virtual);
    const kind = nextKind(spec, check.report, check.sinceNegotiate);
    check.sinceNegotiate = kind === 'connect' ? check.sinceNegotiate + 1 : 0;
    const result = await probe(spec, kind, clock, pinger);
    running -= 1;
    if (virtual !== undefined) rooms.leave(virtual);
    check.running = false;
    if (check.gone) return;
    const now = clock.now();
    const before = check.report;
    shortages.note(result);
    check.report =
      result.shortage === undefined ? nextReport(spec, before, result, now) : spared(before, result, now);
    if (shouldReport(before, check.report)) say({type: 'verdict', report: check.report});
    put(check, nextDue(check.due, spec.checkInterval, now));
  }

  return {
    configure: (specs) => {
      chargeNobody();
      const wanted = new Map(specs.map((spec) => [spec.id, spec]));
      for (const [id, check] of checks) {
        const spec = wanted.get(id);
        if (spec && sameSpec(spec, check.spec)) continue;
        check.gone = true;
        checks.delete(id);
      }
      rooms.share(new Set(specs.filter(isCommand).map(virtualOf)).size);
      const now = clock.now();
      let index = 0;
      for (const spec of wanted.values()) {
        if (checks.has(spec.id)) continue;
        const check: Check = {
          spec,
          report: initialReport(spec, now),
          due: now,
          running: false,
          sinceNegotiate: 0,
          gone: false,
        };
        checks.set(spec.id, check);
        put(check, firstDue(now, index, wanted.size));
        index += 1;
      }
    },
    reports: () => [...checks.values()].map((check) => check.report),
    lateness: () => lateness.summary(),
    stop: () => {
      arm(Infinity);
      for (const check of checks.values()) check.gone = true;
      checks.clear();
      wheel.clear();
      overdue.clear();
      pinger.close();
    },
  };
}
