/**
 * A director joins while one datagram in twenty is lost in either direction and new connections arrive. Relay mode. Needs
 * IPVS: runs in the micro-VM.
 */
import {fileURLToPath} from 'node:url';
import anyTest, {type TestFn} from 'ava';
import {makePair, said, services, until, type Pair, type SyncProcess} from './pair.fixture.ts';

const test = anyTest.serial as unknown as TestFn;
const fixture = (name: string): string => fileURLToPath(new URL(`${name}.fixture.ts`, import.meta.url));
const LIMIT = 90_000;
const SEEDED = 3_000;
const more = {mode: 'relay'} as const;
let pair: Pair;
const report = (process: SyncProcess) => process.status()?.report;
const lacks = (): string[] => {
  const remote = pair.connections('other');
  return [...pair.connections('one').keys()].filter((key) => !remote.has(key));
};

test.before(() => {
  pair = makePair('hl');
  for (const side of ['one', 'other'] as const) {
    services(pair, side);
    pair.run(side, 'tc', 'qdisc', 'add', 'dev', 'sync0', 'root', 'netem', 'loss', '5%');
  }
});
test.after.always(() => pair?.destroy());

test('every connection arrives, earlier ones and those made meanwhile', async (t) => {
  const one = pair.startSync('one', true, more);
  await until('it runs', LIMIT, () => report(one) !== undefined);
  await said(pair.start('one', fixture('seed'), String(SEEDED), '7', '135'));
  await until('the mirror holds all', LIMIT, () => report(one)?.here === SEEDED);
  const coming = said(pair.start('one', fixture('traffic'), '40'));
  const other = pair.startSync('other', false, more);
  await until('in sync', LIMIT, () => report(other)?.phase === 'in-sync');
  await coming;
  t.true(pair.connections('one').size > SEEDED);
  await until('the last ones arrived', LIMIT, () => lacks().length === 0);
  await until('the digests agree', LIMIT, () => report(other)?.missingHere === 0);
  const last = report(other);
  t.is(last?.forged, 0);
  const droppedNow = (): number[] =>
    (['one', 'other'] as const).map((side) =>
      Number(/dropped (\d+)/.exec(pair.run(side, 'tc', '-s', 'qdisc', 'show', 'dev', 'sync0'))?.[1] ?? 0),
    );
  // Few packets travel in the direction of the acknowledgements: it may not have lost any yet, but both keep sending.
  await until('the link has lost in both directions', LIMIT, () => droppedNow().every((count) => count > 0));
  const dropped = droppedNow();
  t.log(
    `${pair.connections('other').size} connections, in sync after ${last?.last?.took.toFixed(0)} ms; ` +
      `packets dropped by the link: ${dropped.join(' and ')}; ${report(one)?.resent} chunks sent again, ${last?.repaired} connections repaired`,
  );
});
