/**
 * A young connection reaches the peer's kernel while its request is in flight, and the mechanism is invisible. Needs IPVS:
 * runs in the micro-VM, whose emulated milliseconds are upper bounds.
 */
import {fileURLToPath} from 'node:url';
import anyTest, {type TestFn} from 'ava';
import {makePair, said, services, until, type Pair, type SyncProcess} from './pair.fixture.ts';
import type {YoungKind, YoungOrder} from './young.fixture.ts';

const test = anyTest.serial as unknown as TestFn;
const YOUNG = fileURLToPath(new URL('young.fixture.ts', import.meta.url));
const LIMIT = 90_000;
const report = (process: SyncProcess) => process.status()?.report;
const median = (values: readonly number[]): number =>
  values.toSorted((value, right) => value - right)[values.length >> 1] ?? 0;

for (const mode of ['multicast', 'relay'] as const) {
  let pair: Pair;
  let sides: readonly [SyncProcess, SyncProcess];
  let client: ReturnType<Pair['start']>;
  const requests = async (order: YoungOrder): Promise<number[]> => {
    const answer = said<number[]>(client);
    client.send(order);
    return answer;
  };

  test(`${mode}: the pair is in sync`, async (t) => {
    pair = makePair(mode === 'relay' ? 'hr' : 'hm');
    for (const side of ['one', 'other'] as const) services(pair, side);
    const more = {
      mode,
      delay: 20,
      sysctls: {sync_threshold: '1 0', sync_refresh_period: '10'},
    };
    sides = [pair.startSync('one', true, more), pair.startSync('other', false, more)];
    await until('in sync', LIMIT, () => sides.every((side) => report(side)?.phase === 'in-sync'));
    client = pair.start('one', YOUNG, String(sides[1].pid));
    await said(client);
    t.is(report(sides[0])?.pulse, 'idle');
    const starts = sides[0].logs.filter((line) => line.includes('master daemon started'));
    t.is(starts.length, 1, 'its message size is as requested');
  });
  for (const kind of ['ipv4', 'ipv6', 'persistent', 'fwmark', 'udp'] as const satisfies readonly YoungKind[])
    test(`${mode}: ${kind} requests reach the peer while they are in flight`, async (t) => {
      // The first ones run code that has not been compiled yet.
      await requests({kind, rate: 4, count: 3});
      // So few that they do not push each other out: without the pulse the kernel holds them for 1.75 s (median).
      const delays = await requests({kind, rate: 1, count: 8});
      const known = delays.filter((delay) => delay >= 0);
      t.log(
        `${known.length} of ${delays.length}, median ${median(known).toFixed(0)} ms, ${JSON.stringify(report(sides[0])?.age)}`,
      );
      t.true(known.length >= delays.length - 1, `${known.length} of ${delays.length} in time`);
      // An emulated, loaded processor; idle it takes 20 to 40 ms.
      t.true(median(known) < 1_000, `${median(known)} ms`);
    });
  test(`${mode}: the barrier makes sure that the peer's kernel knows every connection, and reports it`, async (t) => {
    const running = requests({kind: 'ipv4', rate: 50, count: 20});
    // On the Active, and on the director that is about to take the address.
    for (const side of sides) {
      const done = await side.barrier();
      t.deepEqual([done.ok, done.reason], [true, 'both directors have every connection']);
      t.log(`${done.took.toFixed(0)} ms`);
    }
    await running;
  });
  test(`${mode}: the pulse rests without traffic and is not visible`, async (t) => {
    await until('it rests', LIMIT, () => report(sides[0])?.pulse === 'idle');
    t.true(pair.run('one', 'ipvsadm', '-Lnc').includes('127.88.48.'), 'the kernel has its connections');
    await until('the mirrors have the others', LIMIT, () => {
      const real = pair.connections('one').size;
      return sides.every((side) => report(side)?.here === real);
    });
    t.deepEqual([report(sides[0])?.malformed, report(sides[1])?.missingHere], [0, 0]);
    await Promise.all(sides.map((side) => side.stop()));
    t.false(pair.run('one', 'ipvsadm', '-Ln').includes('127.88.48.'), 'its service is removed with it');
    await pair.destroy();
  });
  test.after.always(() => pair?.destroy());
}
