/** The simulator on a few seeds; `npm run sim` plays a thousand. The mutants prove that it detects faults. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {mutants} from './mutants.ts';
import {play} from './play.ts';
import {baseConfig, makeScenario, type Scenario} from './scenario.ts';
import {shrink} from './shrink.ts';
import {production} from './world.ts';

const LENGTH = 40_000;
const fast = (seed: number): Scenario => makeScenario(seed, LENGTH, [10, 50]);

/**
 * Seeds that found distinct bugs during development: one-way loss against claims on the LAN, adopted addresses in a
 * partition, a wake-up by a netlink event, replays after a restart, a lost state directory.
 */
const regressions = [1, 2, 15, 24, 25, 34, 39, 51, 69, 92, 140, 160, 177, 272, 298, 340, 346, 664];

test('no violation on the seeds that once found a bug and on forty others', (t) => {
  const seeds = [...regressions, ...Array.from({length: 40}, (_, at) => 10_000 + at)];
  t.deepEqual(
    seeds.flatMap((seed) => {
      const {violation} = play(fast(seed));
      return violation ? [{seed, ...violation}] : [];
    }),
    [],
  );
});

/** Shrunk schedules of `npm run sim` that once violated a bound. */
const found = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'found.json'), 'utf8'),
) as readonly (Omit<Scenario, 'config'> & {
  readonly name: string;
  readonly config: Partial<Scenario['config']>;
})[];

for (const {name, config, ...scenario} of found)
  test(`within all bounds: ${name}`, (t) => {
    t.is(play({...scenario, config: {...baseConfig, ...config}}).violation, undefined);
  });

test('the same seed gives the same run', (t) => {
  t.deepEqual(play(fast(7)), play(fast(7)));
});

for (const mutant of mutants)
  test(`caught: ${mutant.name}`, (t) => {
    let caught;
    const {from = 1} = mutant;
    for (let seed = from; seed < from + 60 && !caught; seed += 1)
      caught = play(fast(seed), mutant.machine).violation;
    t.truthy(caught, 'none of sixty seeds caught it');
    if (caught) t.true(mutant.rules.includes(caught.rule), `${caught.rule}: ${caught.text}`);
  });

test('a failing schedule is shrunk to the necessary faults', (t) => {
  const mutant = mutants.find(({name}) => name.startsWith('a planned stop'));
  if (!mutant) return t.fail('no such mutant');
  let seed = 1;
  while (!play(fast(seed), mutant.machine).violation) seed += 1;
  const least = shrink(fast(seed), mutant.machine);
  t.is(least.played.violation?.rule, 'outage-without-cause');
  t.deepEqual(
    least.scenario.troubles.map(({kind}) => kind),
    ['stop'],
  );
  t.is(play(least.scenario, production).violation, undefined);
});
