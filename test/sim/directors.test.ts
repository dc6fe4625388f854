/** Two whole directors on a few seeds; `npm run sim` plays a thousand. The mutants prove that it detects faults. */
import test from 'ava';
import {directorsMutants} from './directors-mutants.ts';
import {directorsScenario, playDirectors} from './directors-play.ts';

test('no violation on five seeds', async (t) => {
  const found = [];
  for (let seed = 1; seed <= 5; seed += 1) {
    const violation = await playDirectors(directorsScenario(seed));
    if (violation) found.push({seed, ...violation});
  }
  t.deepEqual(found, []);
});

test('the same seed gives the same run', async (t) => {
  const [mutant] = directorsMutants;
  if (!mutant) return t.fail('no mutant');
  const play = () => playDirectors(directorsScenario(3), mutant.step);
  t.deepEqual(await play(), await play());
});

for (const mutant of directorsMutants)
  test(`caught: ${mutant.name}`, async (t) => {
    let caught;
    for (let seed = 1; seed <= 40 && !caught; seed += 1)
      caught = await playDirectors(directorsScenario(seed), mutant.step);
    t.truthy(caught, 'none of forty seeds caught it');
    if (caught) t.true(mutant.rules.includes(caught.rule), `${caught.rule}: ${caught.text}`);
  });
