/**
 * The wall clock is set by an hour or by years, forward and back: no advert is refused, no address moves, and a director
 * that starts with a wrong clock finds its peer.
 */
import {writeFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {until} from '../lab/until.ts';
import {directTwo, LIMIT} from './director.fixture.ts';

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
/** Applied in sequence; each is relative to the real time. */
const steps: readonly (readonly [what: string, offset: number])[] = [
  ['an hour forward', HOUR],
  ['an hour back', -HOUR],
  ['thirteen months back', -1.1 * YEAR],
  ['ten years forward', 10 * YEAR],
  ['back to the real time', 0],
];

interface Seen {
  readonly engine?: {
    readonly counters: Readonly<Record<string, number>>;
    readonly peers: readonly {readonly state: string}[];
    /** Accepted adverts keep a path up: within the last deadtime. */
    readonly paths: readonly {readonly hears: boolean; readonly received: number}[];
  };
}

const hears = ({engine}: Seen): boolean =>
  engine?.peers[0]?.state === 'up' && engine.paths.some((path) => path.hears);
const received = ({engine}: Seen): number => engine?.paths[0]?.received ?? NaN;

test.serial('the Active director’s clock is set: its adverts stay valid and no address moves', async (t) => {
  const preload = path.join(import.meta.dirname, 'wall-clock.ts');
  const {one, two} = await directTwo(t, 'kw', {
    before: `echo 0 >$DIR/wall; export HACTL_TEST_WALL=$DIR/wall NODE_OPTIONS="--import ${preload}"`,
  });
  await one.serves('at the start');
  const look = async ({hactl}: typeof one): Promise<Seen> =>
    JSON.parse(await hactl('status', '--json')) as Seen;
  const hear = async (): Promise<boolean> => {
    const found = await Promise.all([look(one), look(two)]).catch(() => []);
    return found.length === 2 && found.every(hears);
  };
  await until(
    'both receive each other, and only the preferred director serves',
    LIMIT,
    async () => (await hear()) && (await one.holds()) && !(await two.holds()),
  );
  const logs = [one, two].map(({log}) => log);
  const before = logs.map((log) => log().length);
  for (const [what, offset] of steps) {
    writeFileSync(`${one.own}/wall`, String(offset));
    for (const director of [one, two]) {
      // oxlint-disable-next-line no-await-in-loop -- one step after the other.
      const heard = received(await look(director));
      // Adverts for three deadtimes.
      // oxlint-disable-next-line no-await-in-loop -- as above.
      const after = await until(`${what}: adverts arrive`, LIMIT, async () => {
        const seen = await look(director);
        return received(seen) > heard + 30 && seen;
      });
      t.true(hears(after), what);
      t.is(after.engine?.counters['fault-implausible'], undefined, what);
    }
    // oxlint-disable-next-line no-await-in-loop -- as above.
    t.deepEqual([await one.holds(), await two.holds()], [true, false], what);
  }
  for (const [at, log] of logs.entries())
    t.notRegex(log().slice(before[at]), / -> (?:Active|Backup)|is dead/, 'no role changed');

  writeFileSync(`${one.own}/wall`, String(-1.1 * YEAR));
  await one.end('hactld-failover');
  await until('an engine started with last year’s clock is heard', LIMIT, hear);
  await until('exactly one director serves', LIMIT, async () => (await one.holds()) !== (await two.holds()));
});
