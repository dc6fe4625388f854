/** Entering and leaving quarantine; the state kept by a move; the CPU budget of the quarantine's process. */
import {systemClock} from '@hactl/base';
import test from 'ava';
import fc from 'fast-check';
import {startChecks} from './driver.ts';
import type {Carried, CheckSpec, Costs, FromShard} from './messages.ts';
import {quarantineFor, quarantinesMax} from './placement.ts';
import {Meter} from './probes/meter.ts';
import {checkOf, serve} from './probes/testing.ts';
import {afterCheck, afterUse, ALLOWANCE, fullBucket, type Confinement, type Cost} from './quarantine.ts';
import {makeRecentLateness} from './recent-lateness.ts';
import {Spending} from './spending.ts';

const cheap: Cost = {cpu: 1, octets: 1_000};
const middling: Cost = {cpu: 10, octets: 1_000};
const dear: Cost = {cpu: 50, octets: 1_000};
const large: Cost = {cpu: 1, octets: 1 << 20};
const MINUTE = 60_000;

/** A check each second from `from` on; the state after `count` of them. */
function checked(
  before: Confinement | undefined,
  cost: Cost,
  count: number,
  from: number,
): Confinement | undefined {
  let state = before;
  for (let at = 0; at < count; at += 1) state = afterCheck(state, cost, from + at * 1_000);
  return state;
}

test('a check over its allowance of CPU time or octets confines its server; cheaper checks never do', (t) => {
  t.is(checked(undefined, middling, 1_000, 0), undefined);
  t.true(afterCheck(undefined, dear, 0)?.confined);
  t.true(afterCheck(undefined, large, 0)?.confined);
  t.is(afterCheck(undefined, ALLOWANCE, 0), undefined, 'the allowance itself is allowed');
});

test('a server leaves quarantine after a minute of cheap checks, and each relapse doubles the minute', (t) => {
  let state = afterCheck(undefined, dear, 0);
  t.true(checked(state, cheap, 60, 0)?.confined, 'not yet');
  t.true(checked(state, middling, 1_000, 0)?.confined, 'neither cheap nor dear: nothing changes');
  const interrupted = checked(checked(state, cheap, 59, 0), middling, 1, 59_000);
  t.true(checked(interrupted, cheap, 59, MINUTE)?.confined, 'the minute begins again');
  const minutes: number[] = [];
  let now = 0;
  for (let times = 1; times <= 6; times += 1) {
    const from = now;
    while (state?.confined) state = afterCheck(state, cheap, (now += 1_000));
    minutes.push(Math.round((now - from) / MINUTE));
    state = afterCheck(state, dear, (now += 1_000));
  }
  t.deepEqual(minutes, [1, 2, 4, 8, 16, 16]);
});

test('after ten minutes outside, earlier stays in quarantine are forgotten', (t) => {
  const relapsed = afterCheck({...idle, times: 5, releasedAt: 0}, dear, 9 * MINUTE);
  t.is(relapsed?.times, 6);
  t.is(afterCheck({...idle, times: 5, releasedAt: 0}, dear, 11 * MINUTE)?.times, 1);
});
const idle: Confinement = {confined: false, times: 0, slowness: 1, cheap: 0, cheapSince: 0};

test('a server is released only after enough cheap checks in a row', (t) => {
  const state = afterCheck(undefined, dear, 0);
  let now = 0;
  const every = (interval: number, count: number): Confinement | undefined => {
    let next = state;
    for (let at = 0; at < count; at += 1) next = afterCheck(next, cheap, (now += interval));
    return next;
  };
  t.true(every(10 * MINUTE, 4)?.confined, 'four checks in forty minutes');
  t.false(every(10 * MINUTE, 5)?.confined);
});

test('the number of quarantine processes is limited, and all servers of a service share one', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({min: 0, max: 20})),
      fc.integer({min: 1, max: 64}),
      (moves, processors) => {
        const most = quarantinesMax(processors);
        const occupied: Set<string>[] = [];
        for (const move of moves) {
          const index = quarantineFor(String(move), occupied, most);
          (occupied[index] ??= new Set()).add(String(move));
        }
        t.true(occupied.length <= most && most <= 2);
        for (const move of moves) t.is(occupied.filter((virtuals) => virtuals.has(String(move))).length, 1);
        const sizes = occupied.map(({size}) => size);
        t.true(sizes.length === 0 || Math.max(...sizes) - Math.min(...sizes) <= 1, 'about even');
      },
    ),
  );
});

test('the CPU budget: an initial burst, half a processor in the long run, and a limited debt', (t) => {
  let bucket = fullBucket(0);
  let used = 0;
  for (let now = 50; now <= 100_000; now += 50)
    if (bucket.left > 0) {
      used += 50;
      bucket = afterUse(bucket, 50, now);
    } else bucket = afterUse(bucket, 0, now);
  t.true(used > 50_000 && used <= 50_600, `${used} ms in 100 s`);
  t.true(
    afterUse(afterUse(bucket, 1e9, 100_001), 0, 102_001).left > 0,
    'two seconds later checks begin again',
  );
});

test('lateness of the last minute is reported, that of an hour ago is not', (t) => {
  const late = makeRecentLateness(0);
  late.note(5_000, 1_000);
  t.is(late.summary(59_000).max, 5_000);
  late.note(1, 61_000);
  t.is(late.summary(62_000).max, 5_000, 'the span before');
  t.is(late.summary(122_000).max, 1);
  t.is(late.summary(3_600_000).max, 0);
});

const page = (size: number): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${size + 3}\r\n\r\n${'x'.repeat(size)}end`;

/** A driver with one check, and its messages; resolves at the first message that matches. */
function driver(
  t: {teardown(end: () => void): void},
  costs: Costs,
  clock = systemClock,
): {
  checks: ReturnType<typeof startChecks>;
  said: FromShard[];
  until: <Found>(look: (message: FromShard) => Found | undefined) => Promise<Found>;
} {
  const said: FromShard[] = [];
  let heard = (): void => undefined;
  const checks = startChecks(clock, process.pid, (message) => {
    said.push(message);
    heard();
  });
  t.teardown(() => checks.stop());
  checks.treat(costs);
  const until = async <Found>(look: (message: FromShard) => Found | undefined): Promise<Found> => {
    for (;;) {
      const found = said.map(look).find((one) => one !== undefined);
      if (found !== undefined) return found;
      // oxlint-disable-next-line no-await-in-loop -- one message after the other.
      await new Promise<void>((resolve) => (heard = resolve));
    }
  };
  return {checks, said, until};
}
const handedOver = (message: FromShard): Carried | undefined =>
  message.type === 'handover' ? message.carried : undefined;
const large900 = page(900_000);
const specAt = (port: number, more: Partial<CheckSpec> = {}): CheckSpec =>
  checkOf('http', port, {receive: 'end', checkInterval: 50, ...more});

test('a check that exceeds its allowance is handed over without a verdict, and passes in quarantine', async (t) => {
  let asked = 0;
  const port = await serve(t, (socket) =>
    socket.once('data', () => {
      asked += 1;
      socket.end(large900);
    }),
  );
  const shared = driver(t, 'handover');
  const spec = specAt(port, {initial: 'up', failureCount: 3});
  shared.checks.configure([spec]);
  const carried = await shared.until(handedOver);
  t.deepEqual([carried.report.state, carried.report.failures], ['up', 0]);
  t.deepEqual(
    shared.said.map(({type}) => type),
    ['handover'],
    'no verdict',
  );
  t.deepEqual(shared.checks.reports(), [], 'it is made here no more');
  t.is(asked, 1);
  const apart = driver(t, 'quarantine');
  apart.checks.adopt(spec, carried);
  const report = await apart.until((message) => (message.type === 'verdict' ? message.report : undefined));
  t.is(report.state, 'up', report.reason);
  t.is(report.checks, 1);
});

test('without a quarantine, an expensive check is not interrupted', async (t) => {
  const port = await serve(t, (socket) => socket.once('data', () => socket.end(large900)));
  const {checks, until} = driver(t, 'keep');
  checks.configure([specAt(port)]);
  const report = await until((message) => (message.type === 'verdict' ? message.report : undefined));
  t.is(report.state, 'up', report.reason);
});

test('if the quarantine ends in the middle of a check, the check is repeated in its own shard', async (t) => {
  const checksOf = {shared: undefined as ReturnType<typeof startChecks> | undefined};
  const port = await serve(t, (socket) =>
    socket.once('data', () => {
      checksOf.shared?.treat('keep');
      socket.end(large900);
    }),
  );
  const {checks, said, until} = driver(t, 'handover');
  checksOf.shared = checks;
  checks.configure([specAt(port, {initial: 'up'})]);
  const report = await until((message) => (message.type === 'verdict' ? message.report : undefined));
  t.is(report.state, 'up', report.reason);
  t.false(said.some(({type}) => type === 'handover'));
});

test.serial(
  'failures in a row, and where the check is in its rhythm, come along; the server comes back when it is cheap',
  async (t) => {
    const port = await serve(t, (socket) => socket.once('data', () => socket.end(page(1))));
    let skipped = 0;
    const {checks, until} = driver(t, 'quarantine', {...systemClock, now: () => systemClock.now() + skipped});
    const spec = specAt(port, {initial: 'up', failureCount: 100, receive: 'nothing like it'});
    const failed = {id: spec.id, state: 'up', failures: 41, checks: 7, reason: '', took: 1, at: 0} as const;
    checks.adopt(spec, {
      report: failed,
      due: 0,
      sinceNegotiate: 3,
      confinement: {...idle, confined: true, times: 1},
    });
    const count = (): number => checks.reports()[0]?.checks ?? 0;
    while (count() < 10) await new Promise((resolve) => setTimeout(resolve, 5));
    t.is(checks.reports()[0]?.failures, 41 + count() - 7);
    skipped = 2 * MINUTE;
    const carried = await until(handedOver);
    t.false(carried.confinement?.confined);
    t.is(carried.report.failures, 41 + carried.report.checks - 7, 'none is lost');
    t.true(carried.due > 0);
  },
);

test('on a slow processor an ordinary check is not expensive, and an expensive one still is', (t) => {
  const spending = new Spending(ALLOWANCE);
  const spend = (cpu: number, slowness: number | undefined): string | undefined => {
    spending.reset(slowness);
    spending.cpu = cpu;
    return spending.excess();
  };
  t.not(spend(60, 1), undefined);
  t.is(spend(60, 8), undefined);
  t.not(spend(200, 8), undefined);
  t.is(spend(200, undefined), undefined, 'nothing is known of the processor yet');
  spending.octets = ALLOWANCE.octets + 1;
  t.not(spending.excess(), undefined, 'octets cost the same everywhere');
  spending.reset(8);
  spending.cpu = 200;
  t.is(afterCheck(undefined, spending.cost(), 0, 8)?.slowness, 8, 'quarantine judges by the same measure');
});

test('a check is charged for the work of other threads and for Node’s cost of each piece', (t) => {
  const ended: string[] = [];
  const spending = new Spending(ALLOWANCE);
  const meter = new Meter((reason) => ended.push(reason), spending);
  meter.charge(ALLOWANCE.cpu - 1);
  t.deepEqual(ended, []);
  for (let pieces = 0; pieces < 100; pieces += 1) meter.enter(1);
  t.deepEqual(ended, ['its check takes more than 15 ms of CPU time']);
  t.is(spending.interrupted, ended[0]);
  const late = new Meter((reason) => ended.push(reason), new Spending(ALLOWANCE));
  late.finish();
  late.charge(1_000);
  t.is(ended.length, 1, 'one that has its verdict is not interrupted');
});

// The budget of the whole process, without another check.
test.serial(
  'in quarantine the checks of a process that has used up its budget wait, and none is lost',
  async (t) => {
    const port = await serve(t, (socket) => socket.once('data', () => socket.end(page(1))));
    const {checks} = driver(t, 'quarantine');
    const ids = Array.from({length: 30}, (_, at) => `check ${at}`);
    checks.configure(ids.map((id) => specAt(port, {id, checkInterval: 1_000})));
    const end = performance.now() + 700;
    // Like another program in the same thread.
    while (performance.now() < end);
    while (checks.reports().some((report) => report.checks === 0))
      await new Promise((resolve) => setTimeout(resolve, 5));
    t.deepEqual(
      checks.reports().map(({state}) => state),
      ids.map(() => 'up'),
    );
    t.true(checks.lateness().max >= 600, `${checks.lateness().max} ms`);
  },
);
