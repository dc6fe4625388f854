/** The opt-in verdicts as tables: rise, flap damping, weights from a command. */
import {chmodSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {initialReport, nextReport, type CheckReport, type CheckSpec} from './index.ts';
import {probeExternal, readWeight} from './probes/external.ts';
import {shouldReport} from './verdict.ts';

const spec = (more: Partial<CheckSpec> = {}): CheckSpec => ({
  id: 'tcp 10.0.0.100:80 > 127.0.0.1:80',
  checkType: {kind: 'external'},
  service: 'none',
  family: 4,
  address: '127.0.0.1',
  port: 80,
  protocol: 'tcp',
  virtualAddress: '10.0.0.100',
  virtualPort: 80,
  realPort: 80,
  checkTimeout: 60_000,
  negotiateTimeout: 60_000,
  checkInterval: 1_000,
  checkCount: 1,
  failureCount: 1,
  ...more,
});

/** The reports for one probe a second, `+` passed and `-` failed. */
function play(more: Partial<CheckSpec>, probes: string): CheckReport[] {
  const of = spec(more);
  let report = initialReport(of, 0);
  return probes.split('').map((probe, at) => {
    report = nextReport(of, report, {passed: probe === '+', reason: 'r', took: 1}, (at + 1) * 1_000);
    return report;
  });
}
const states = (reports: readonly CheckReport[]): string =>
  reports.map(({state}) => (state === 'up' ? 'U' : 'd')).join('');

const damping = {suppress: 3, reuse: 1, halfLife: 10_000};
const row = test.macro({
  exec(t, more: Partial<CheckSpec>, probes: string, expected: string) {
    t.is(states(play(more, probes)), expected);
  },
  title: (title) => title ?? '',
});
test('plain: every probe decides', row, {}, '+-+-+', 'UdUdU');
test(
  'failurecount 2 and rise 3: both ways need a run',
  row,
  {failureCount: 2, rise: 3},
  '+--++-+++-+',
  'UUddddddUUU',
);
test('rise does not delay a start', row, {rise: 3}, '+', 'U');
test('a real server that was down needs `rise` passes', row, {rise: 2, initial: 'down'}, '++', 'dU');
test('damping: two failures stay below the limit', row, {damping}, '+-+-+', 'UdUdU');
// Three falls within 5 s: the penalty is 2.6 after the third, 3.3 after the fourth.
test(
  'damping: the fourth fall keeps it down, passing or not',
  row,
  {damping},
  '+-+-+-+-++++',
  'UdUdUdUddddd',
);
test(
  'damping with rise: only a failure of an up server adds a penalty',
  row,
  {damping, rise: 2},
  '+-+-+-+-',
  'Uddddddd',
);

test('a damped real server returns only when its penalty is below the reuse limit', (t) => {
  const reports = play({damping}, `+-+-+-+-${'+'.repeat(30)}`);
  const back = reports.findIndex(({state}, at) => at > 8 && state === 'up');
  const penalty = (at: number): number => reports[at]?.flaps?.penalty ?? NaN;
  t.true(penalty(7) >= 3);
  t.true(penalty(back) < 1 && penalty(back - 1) >= 1);
  t.true(reports.slice(8, back).every(({flaps}) => flaps?.damped));
  // Fails again: a single failure is not flapping.
  const later = play({damping}, `+-+-+-+-${'+'.repeat(30)}-+`);
  t.is(later.at(-1)?.state, 'up');
});

test('failures while damped keep the penalty high', (t) => {
  const calm = play({damping}, `+-+-+-+-${'+'.repeat(10)}`).at(-1)?.flaps?.penalty ?? NaN;
  const wild = play({damping}, `+-+-+-+-${'+-'.repeat(5)}`).at(-1)?.flaps?.penalty ?? NaN;
  t.true(wild > calm + 2, `${wild} ${calm}`);
});

test('the reason says why a damped server is down', (t) => {
  t.is(
    play({rise: 3, initial: 'down'}, '+').at(-1)?.reason,
    'r (1 of 3 passed checks before it serves again)',
  );
  t.regex(
    play({damping}, '+-+-+-+-+').at(-1)?.reason ?? '',
    /^r; it went up and down too often: out of service for about \d+ s more, if it stays up$/,
  );
});

test('weights printed by a command are parsed', (t) => {
  t.deepEqual(readWeight('weight 5\n'), {value: 5, percent: false});
  t.deepEqual(readWeight('load is 3\nweight=50%\nbye\n'), {value: 50, percent: true});
  t.deepEqual(readWeight('weight 1\nweight 2\n'), {value: 2, percent: false});
  for (const none of ['', 'overweight 5', 'weight five', 'weight 70000', 'weight -1', 'weight 5 kg'])
    t.is(readWeight(none), undefined, none);
});

test('a change of the requested weight is reported', (t) => {
  const [first] = play({}, '+');
  if (!first) throw new Error('no report');
  t.false(shouldReport(first, {...first, checks: 2}));
  t.true(shouldReport(first, {...first, weight: {value: 5, percent: false}}));
  t.true(
    shouldReport(
      {...first, weight: {value: 5, percent: false}},
      {...first, weight: {value: 5, percent: true}},
    ),
  );
});

test('a real command’s weight applies only with hactl_dynamic_weight and a passed check', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-weight-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  const command = path.join(folder, 'check');
  // A surviving child holds the pipe open: the check does not wait for it.
  writeFileSync(command, '#!/bin/sh\nsleep 5 &\necho weight 40%\nexit $(cat "$0.status")\n');
  chmodSync(command, 0o755);
  const run = async (status: number, dynamicWeight: boolean) => {
    writeFileSync(`${command}.status`, String(status));
    return probeExternal(spec({checkCommand: command, dynamicWeight}), 60_000, systemClock);
  };
  const good = await run(0, true);
  t.deepEqual([good.passed, good.weight], [true, {value: 40, percent: true}]);
  t.regex(good.reason, /exit status 0, it wants weight 40%$/);
  t.is((await run(0, false)).weight, undefined);
  t.deepEqual([(await run(1, true)).passed, (await run(1, true)).weight], [false, undefined]);
});

test('a certificate that expires soon is reported once a day, and changes no verdict', (t) => {
  const of = spec({certDays: 14});
  const on = (days: number) => ({
    date: '2026-12-24',
    days,
    words: `the certificate runs out in ${days} days`,
  });
  const after = (before: CheckReport, days: number, passed = true): CheckReport =>
    nextReport(of, before, {passed, reason: 'r', took: 1, ...(passed ? {certificate: on(days)} : {})}, 1);
  const fresh = after(initialReport(of, 0), 15);
  t.is(fresh.certificate, undefined);
  t.is(fresh.reason, 'r');
  const soon = after(fresh, 13);
  t.like(soon, {state: 'up', reason: 'r; the certificate runs out in 13 days', certificate: {days: 13}});
  t.true(shouldReport(fresh, soon));
  t.false(shouldReport(soon, after(soon, 13)), 'it was said today');
  t.true(shouldReport(soon, after(soon, 12)));
  t.like(after(soon, 0, false), {state: 'down', certificate: {days: 13}}, 'a failed check forgets nothing');
  const renewed = after(soon, 90);
  t.is(renewed.certificate, undefined);
  t.true(shouldReport(soon, renewed));
  t.is(
    nextReport(spec(), fresh, {passed: true, reason: 'r', took: 1, certificate: on(3)}, 2).certificate,
    undefined,
  );
});
