/** The kernels' own multicast on the interface between the directors. Needs IPVS: runs in the micro-VM. */
import {fileURLToPath} from 'node:url';
import anyTest, {type TestFn} from 'ava';
import {makePair, said, services, until, type Pair, type SyncProcess} from './pair.fixture.ts';

const test = anyTest.serial as unknown as TestFn;
const fixture = (name: string): string => fileURLToPath(new URL(`${name}.fixture.ts`, import.meta.url));
const LIMIT = 60_000;
let pair: Pair;
let one: SyncProcess;
let other: SyncProcess;
const report = (process: SyncProcess) => process.status()?.report;

test.before(() => {
  pair = makePair('hm', {third: true});
  for (const side of ['one', 'other'] as const) services(pair, side);
});
test.after.always(() => pair?.destroy());

test('the own kernel is heard on the interface, and a joiner gets what it said before', async (t) => {
  one = pair.startSync('one', true, {mode: 'multicast'});
  await until('it runs', LIMIT, () => report(one) !== undefined);
  t.deepEqual(
    one.status()?.daemons.map((daemon) => [daemon.interface, daemon.syncid]),
    [
      ['sync0', 7],
      ['sync0', 7],
    ],
  );
  // More than one message of the device's MTU holds.
  await said(pair.start('one', fixture('traffic'), '200'));
  const made = pair.connections('one');
  await until('the own kernel was heard', LIMIT, () => report(one)?.here === made.size);
  other = pair.startSync('other', false, {mode: 'multicast'});
  await until('in sync', LIMIT, () => report(other)?.phase === 'in-sync');
  const there = pair.connections('other');
  t.deepEqual(
    [...made.keys()].filter((key) => !there.has(key)),
    [],
  );
});

test('both hear what the kernel says afterwards', async (t) => {
  await said(pair.start('one', fixture('traffic'), '20', 'client'));
  const made = pair.connections('one');
  for (const side of [one, other])
    // oxlint-disable-next-line no-await-in-loop -- both have to arrive there.
    await until('the kernels talk', LIMIT, () => report(side)?.here === made.size);
  await until('the other kernel has them', LIMIT, () => pair.connections('other').size === made.size);
  t.deepEqual([report(one)?.here, report(other)?.here], [made.size, made.size]);
});

test('and everybody on the segment is believed: this is what the relay is for', async (t) => {
  const attacker = pair.start('third', fixture('attacker'));
  await said(attacker);
  attacker.send('attack');
  await until('a connection of the attacker', LIMIT, () =>
    [...pair.connections('other').keys()].some((key) => key.includes('10.66.6.1:')),
  );
  t.pass();
});
