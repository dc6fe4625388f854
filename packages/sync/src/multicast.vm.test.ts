/** The kernels' own multicast on the interface between the directors. Needs IPVS: runs in the micro-VM. */
import {fileURLToPath} from 'node:url';
import anyTest, {type TestFn} from 'ava';
import {makePair, said, services, until, type Pair, type SyncProcess} from './pair.fixture.ts';

const test = anyTest.serial as unknown as TestFn;
const fixture = (name: string): string => fileURLToPath(new URL(`${name}.fixture.ts`, import.meta.url));
const LIMIT = 60_000;
const report = (process: SyncProcess) => process.status()?.report;

// At the kernel's own pace, and with young connections pushed: the only difference is the time.
for (const delay of [0, 20]) {
  const more = {
    mode: 'multicast',
    delay,
    sysctls: {sync_threshold: delay > 0 ? '1 0' : '0 2', sync_refresh_period: '10'},
  } as const;
  const beside = delay > 0 ? ` (hactl_sync_delay ${delay}ms)` : '';
  let pair: Pair;
  let one: SyncProcess;
  let other: SyncProcess;

  test(`the local kernel is heard on the interface, and a joiner gets its earlier connections${beside}`, async (t) => {
    pair = makePair('hm', {third: true});
    for (const side of ['one', 'other'] as const) services(pair, side);
    one = pair.startSync('one', true, more);
    await until('it runs', LIMIT, () => report(one) !== undefined);
    t.deepEqual(
      one.status()?.daemons.map((daemon) => [daemon.interface, daemon.syncid]),
      [
        ['sync0', 7],
        ['sync0', 7],
      ],
    );
    // More than fits a message of the device's MTU.
    await said(pair.start('one', fixture('traffic'), '200'));
    const made = pair.connections('one');
    await until('the local kernel was heard', LIMIT, () => report(one)?.here === made.size);
    other = pair.startSync('other', false, more);
    await until('in sync', LIMIT, () => report(other)?.phase === 'in-sync');
    const remote = pair.connections('other');
    t.deepEqual(
      [...made.keys()].filter((key) => !remote.has(key)),
      [],
    );
  });

  test(`both receive the kernel’s later messages${beside}`, async (t) => {
    await said(pair.start('one', fixture('traffic'), '20', 'client'));
    const made = pair.connections('one');
    for (const side of [one, other])
      // oxlint-disable-next-line no-await-in-loop -- both have to arrive there.
      await until('the kernels’ messages arrive', LIMIT, () => report(side)?.here === made.size);
    await until('the other kernel has them', LIMIT, () => pair.connections('other').size === made.size);
    t.deepEqual([report(one)?.here, report(other)?.here], [made.size, made.size]);
  });

  test(`multicast trusts every host on the segment, which is why relay exists${beside}`, async (t) => {
    const attacker = pair.start('third', fixture('attacker'));
    await said(attacker);
    attacker.send('attack');
    await until('a connection of the attacker', LIMIT, () =>
      [...pair.connections('other').keys()].some((key) => key.includes('10.66.6.1:')),
    );
    t.pass();
    await pair.destroy();
  });
  test.after.always(() => pair?.destroy());
}
