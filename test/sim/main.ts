/**
 * `npm run sim`: the engines alone on 1,000 seeds, 10,000 simulated hours, then two whole directors on 1,000 seeds.
 * `--seed N --hours H` plays one seed; `--seeds K` K seeds from there on; `--only engines|directors` one of the two. Prints
 * violations with their seed and, for engines, the minimal set of faults that still causes it.
 */
import os from 'node:os';
import {readOptions} from '../options.ts';
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {directorsScenario, playDirectors} from './directors-play.ts';
import {play} from './play.ts';
import {scenarioOf} from './seeds.ts';
import {shrink} from './shrink.ts';
import {production} from './world.ts';

interface Task {
  readonly what: 'engines' | 'directors';
  readonly first: number;
  readonly seeds: number;
  readonly hours: number;
}
interface Done {
  readonly seed: number;
  readonly violation?: {readonly rule: string; readonly text: string} | undefined;
  readonly adverts?: number;
  readonly transitions?: number;
}

if (isMainThread) process.exitCode = await main();
else {
  const {what, first, seeds, hours} = workerData as Task;
  const scenario = scenarioOf(first, seeds, hours);
  const playOne = async (seed: number): Promise<Done> =>
    what === 'engines'
      ? {seed, ...play(scenario(seed))}
      : {seed, violation: await playDirectors(directorsScenario(seed))};
  parentPort?.on(
    'message',
    (seed: number) => void playOne(seed).then((done) => parentPort?.postMessage(done)),
  );
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1_000).toFixed(0);
}

/** Plays every seed on the workers; returns their results. */
async function playAll(task: Task, count: number): Promise<readonly Done[]> {
  const {first, seeds} = task;
  const started = performance.now();
  const all: Done[] = [];
  let next = first;
  const work = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      const give = (): void => {
        if (next < first + seeds) worker.postMessage(next++);
        else void worker.terminate().then(() => resolve());
      };
      worker.on('error', reject);
      worker.on('message', (done: Done) => {
        all.push(done);
        const failed = all.filter(({violation}) => violation).length;
        if (all.length % 100 === 0)
          process.stdout.write(`${all.length} seeds, ${seconds(started)} s, ${failed} violations\n`);
        give();
      });
      give();
    });
  await Promise.all(
    Array.from({length: Math.min(count, seeds)}, () =>
      work(new Worker(new URL(import.meta.url), {workerData: task})),
    ),
  );
  return all.toSorted((one, other) => one.seed - other.seed);
}

function explain({seed, violation}: Done, {what, first, seeds, hours}: Task): void {
  process.stdout.write(`\nseed ${seed}: ${violation?.rule}: ${violation?.text}\n`);
  if (what === 'directors') {
    const {files, troubles} = directorsScenario(seed);
    process.stdout.write(`${JSON.stringify(files)}\n`);
    for (const trouble of troubles) process.stdout.write(`  ${JSON.stringify(trouble)}\n`);
    return;
  }
  const least = shrink(scenarioOf(first, seeds, hours)(seed), production);
  const {keepalive, deadtime, groups, paths} = least.scenario.config;
  process.stdout.write(
    `keepalive ${keepalive} ms, deadtime ${deadtime} ms, ${groups.length} groups, ${paths.length} paths; ${least.scenario.troubles.length} faults suffice:\n`,
  );
  for (const trouble of least.scenario.troubles) process.stdout.write(`  ${JSON.stringify(trouble)}\n`);
}

/** Runs one of the two campaigns; returns the number of violations. */
async function campaign(task: Task, workers: number): Promise<number> {
  const {what, first, seeds, hours} = task;
  const started = performance.now();
  const length = what === 'engines' ? `, ${hours} simulated hours` : '';
  process.stdout.write(`${what}: ${seeds} seeds from ${first}${length}\n`);
  const all = await playAll(task, workers);
  const failed = all.filter(({violation}) => violation);
  for (const done of failed.slice(0, 5)) explain(done, task);
  const sum = (key: 'adverts' | 'transitions'): number =>
    all.reduce((total, done) => total + (done[key] ?? 0), 0);
  const counts = what === 'engines' ? `${sum('adverts')} adverts, ${sum('transitions')} transitions, ` : '';
  process.stdout.write(
    `\n${what}: ${all.length} seeds${length}, ${counts}${failed.length} violations, ${seconds(started)} s\n`,
  );
  return failed.length;
}

async function main(): Promise<number> {
  const {values} = readOptions({
    options: {
      seed: {type: 'string'},
      seeds: {type: 'string'},
      hours: {type: 'string'},
      only: {type: 'string'},
      workers: {type: 'string', default: String(os.availableParallelism())},
    },
  });
  const first = Number(values.seed ?? 1);
  const seeds = Number(values.seeds ?? (values.seed === undefined ? 1_000 : 1));
  const hours = Number(values.hours ?? seeds * 10);
  const workers = Number(values.workers);
  if (![first, seeds, hours, workers].every((number) => number > 0)) {
    process.stderr.write('sim: --seed, --seeds, --hours and --workers must be numbers above 0\n');
    return 2;
  }
  const both = ['engines', 'directors'] as const;
  const wanted = both.filter((what) => values.only === undefined || values.only === what);
  if (wanted.length === 0) {
    process.stderr.write('sim: --only must be engines or directors\n');
    return 2;
  }
  let failed = 0;
  for (const what of wanted)
    // oxlint-disable-next-line no-await-in-loop -- sequential, each on all CPUs.
    failed += await campaign({what, first, seeds, hours}, workers);
  return failed === 0 ? 0 : 1;
}
