/**
 * `npm run bench:stability`: a hactl and a keepalived pair run at their fastest settings at the same time, each on its own
 * namespaces, while busy loops load every core; every role change is spurious. Root; 10 minutes, or as given by `--minutes`.
 */
import {spawn, type ChildProcess} from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import {readOptions} from '../options.ts';
import {makeNamespaces, type NamespaceSite} from '../lab/namespaces.ts';
import {prepareLab} from '../lab/packages.ts';
import {openScene, pause} from './scene.ts';
import {keepalived, ours, type Subject} from './subjects.ts';

const {values} = readOptions({
  options: {
    minutes: {type: 'string', default: '10'},
    keepalive: {type: 'string', default: '2ms'},
    deadtime: {type: 'string', default: '5ms'},
  },
});
if (process.getuid?.() !== 0) {
  process.stderr.write('bench:stability creates network namespaces on this machine: run it as root\n');
  process.exit(1);
}

const lab = prepareLab((line) => process.stderr.write(line + '\n'));
const checkout = path.resolve(import.meta.dirname, '../..');
const cores = os.availableParallelism();
const loads: ChildProcess[] = [];
const endLoads = (): void => {
  for (const load of loads.splice(0)) load.kill('SIGKILL');
};
process.on('exit', endLoads);

/** A pair on its own namespaces, both directors running and stable. */
async function pair(letter: string, make: (site: NamespaceSite) => Subject) {
  const site = makeNamespaces({checkout, letter});
  const scene = await openScene(site, lab, 'ordinary');
  const subject = make(site);
  await subject.prepare();
  await subject.start('director1');
  await scene.waitFor('director1 is Active', () => scene.alone('director1'));
  await subject.start('director2');
  await pause(subject.settle);
  await scene.waitFor('director1 is Active', () => scene.alone('director1'));
  scene.forget();
  return {site, scene, subject, before: scene.changes()};
}

let mine: ReturnType<typeof ours> | undefined;
const pairs: Awaited<ReturnType<typeof pair>>[] = [];
let spurious = 0;
try {
  pairs.push(await pair('a', (site) => keepalived(site, lab, {interval: 10, missed: 2})));
  pairs.push(
    await pair('b', (site) => {
      mine = ours(site, {keepalive: values.keepalive, deadtime: values.deadtime});
      return mine;
    }),
  );
  // Four busy loops per core, at normal priority; the load is the same for both pairs.
  for (let load = 0; load < 4 * cores; load += 1)
    loads.push(spawn('sh', ['-c', 'while :; do :; done'], {stdio: 'ignore'}));
  const costs = await Promise.all(
    pairs.map(({scene}) => scene.measure(() => pause(Number(values.minutes) * 60_000), 0)),
  );
  endLoads();
  for (const [at, {scene, subject, before}] of pairs.entries()) {
    const changes = scene.changes() - before;
    const cost = costs[at];
    process.stdout.write(
      `${subject.name}: ${changes} spurious transitions in ${values.minutes} min with ${4 * cores} busy loops on ${cores} cores; two holders ${cost?.both} ms, none ${cost?.neither} ms\n`,
    );
    if (subject === mine) spurious = changes;
  }
  for (const director of ['director1', 'director2'] as const) {
    // oxlint-disable-next-line no-await-in-loop -- two directors.
    const engine = (await mine?.cluster.status(director))?.engine;
    const {p50, p99, max} = engine?.lateness ?? {p50: NaN, p99: NaN, max: NaN};
    process.stdout.write(
      `  hactl on ${director}: timer lateness p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, max ${max.toFixed(1)} ms; ${engine?.realtime}\n`,
    );
  }
} finally {
  endLoads();
  for (const {site, subject} of pairs) {
    // oxlint-disable no-await-in-loop -- two pairs.
    await subject.end();
    await site.destroy();
    // oxlint-enable no-await-in-loop
  }
}
process.exit(spurious === 0 ? 0 : 1);
