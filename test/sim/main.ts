/**
 * `npm run sim`: 1,000 seeds, 10,000 simulated hours. `--seed N --hours H` plays one seed; `--seeds K` that many from
 * there on. A violation is printed with its seed and with the fewest troubles that still cause it.
 */
import os from 'node:os';
import {parseArgs} from 'node:util';
import {isMainThread, parentPort, Worker, workerData} from 'node:worker_threads';
import {play, type Played} from './play.ts';
import {scenarioOf} from './seeds.ts';
import {shrink} from './shrink.ts';
import {production} from './world.ts';

interface Task {
  readonly first: number;
  readonly seeds: number;
  readonly hours: number;
}
interface Done extends Played {
  readonly seed: number;
}

if (isMainThread) process.exitCode = await main();
else {
  const {first, seeds, hours} = workerData as Task;
  const scenario = scenarioOf(first, seeds, hours);
  parentPort?.on('message', (seed: number) => {
    const done: Done = {seed, ...play(scenario(seed))};
    parentPort?.postMessage(done);
  });
}

async function main(): Promise<number> {
  const {values} = parseArgs({
    options: {
      seed: {type: 'string'},
      seeds: {type: 'string'},
      hours: {type: 'string'},
      workers: {type: 'string', default: String(os.availableParallelism())},
    },
  });
  const first = Number(values.seed ?? 1);
  const seeds = Number(values.seeds ?? (values.seed === undefined ? 1_000 : 1));
  const task: Task = {first, seeds, hours: Number(values.hours ?? seeds * 10)};
  if (![first, seeds, task.hours, Number(values.workers)].every((number) => number > 0)) {
    process.stderr.write('sim: --seed, --seeds, --hours and --workers are numbers above 0\n');
    return 2;
  }
  const started = performance.now();
  process.stdout.write(`${seeds} seeds from ${first}, ${task.hours} simulated hours\n`);
  let [next, finished, adverts, transitions] = [first, 0, 0, 0];
  const failed: Done[] = [];
  const workers = Array.from(
    {length: Math.min(Number(values.workers), seeds)},
    () => new Worker(new URL(import.meta.url), {workerData: task}),
  );
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise<void>((resolve, reject) => {
          const give = (): void => {
            if (next < first + seeds) worker.postMessage(next++);
            else void worker.terminate().then(() => resolve());
          };
          worker.on('error', reject);
          worker.on('message', (done: Done) => {
            finished += 1;
            adverts += done.adverts;
            transitions += done.transitions;
            if (done.violation) failed.push(done);
            if (finished % 100 === 0)
              process.stdout.write(
                `${finished} seeds, ${((performance.now() - started) / 1_000).toFixed(0)} s, ${failed.length} violations\n`,
              );
            give();
          });
          give();
        }),
    ),
  );
  for (const {seed, violation} of failed.toSorted((a, b) => a.seed - b.seed).slice(0, 5)) {
    process.stdout.write(`\nseed ${seed}: ${violation?.rule}: ${violation?.text}\n`);
    const least = shrink(scenarioOf(first, seeds, task.hours)(seed), production);
    const {keepalive, deadtime, groups, paths} = least.scenario.config;
    process.stdout.write(
      `keepalive ${keepalive} ms, deadtime ${deadtime} ms, ${groups.length} groups, ${paths.length} paths; ${least.scenario.troubles.length} troubles are enough:\n`,
    );
    for (const trouble of least.scenario.troubles) process.stdout.write(`  ${JSON.stringify(trouble)}\n`);
  }
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  process.stdout.write(
    `\n${task.hours} simulated hours, ${finished} seeds, ${adverts} adverts, ${transitions} transitions, ${failed.length} violations, ${seconds} s\n`,
  );
  return failed.length === 0 ? 0 : 1;
}
