/**
 * `npm run bench:stability`: both pairs run at their fastest setting while busy loops load every core; every change of
 * role in that time is spurious. Root; 10 minutes for each unless `--minutes` says otherwise, one after the other.
 */
import {spawn, type ChildProcess} from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {makeNamespaces} from '../lab/namespaces.ts';
import {prepareLab} from '../lab/packages.ts';
import {openScene, pause} from './scene.ts';
import {keepalived, ours} from './subjects.ts';

const {values} = parseArgs({
  options: {
    minutes: {type: 'string', default: '10'},
    keepalive: {type: 'string', default: '3ms'},
    deadtime: {type: 'string', default: '9ms'},
    only: {type: 'string'},
  },
});
if (process.getuid?.() !== 0) {
  process.stderr.write('bench:stability makes network namespaces on this machine: run it as root\n');
  process.exit(1);
}

const lab = prepareLab((line) => process.stderr.write(line + '\n'));
const site = makeNamespaces({checkout: path.resolve(import.meta.dirname, '../..')});
const scene = await openScene(site, lab);
const cores = os.availableParallelism();
const loads: ChildProcess[] = [];
const endLoads = (): void => {
  for (const load of loads.splice(0)) load.kill('SIGKILL');
};
process.on('exit', endLoads);

let spurious = 0;
try {
  const mine = ours(site, {keepalive: values.keepalive, deadtime: values.deadtime});
  const subjects = [keepalived(site, lab, {interval: 10, missed: 2}), mine];
  // oxlint-disable no-await-in-loop -- one subject after the other: they share the VIP.
  for (const subject of subjects.filter(
    (one) => values.only === undefined || one.name.startsWith(values.only),
  )) {
    await subject.prepare();
    await subject.start('director1');
    await scene.waitFor('director1 is Active', () => scene.alone('director1'));
    await subject.start('director2');
    await pause(subject.settle);
    await scene.waitFor('director1 is Active', () => scene.alone('director1'));
    scene.forget();
    const changesBefore = scene.changes();
    // Four busy loops for each core, at ordinary priority.
    for (let load = 0; load < 4 * cores; load += 1)
      loads.push(spawn('sh', ['-c', 'while :; do :; done'], {stdio: 'ignore'}));
    const cost = await scene.measure(() => pause(Number(values.minutes) * 60_000), 0);
    endLoads();
    const changes = scene.changes() - changesBefore;
    process.stdout.write(
      `${subject.name}: ${changes} spurious transitions in ${values.minutes} min with ${4 * cores} busy loops on ${cores} cores; two holders ${cost.both} ms, none ${cost.neither} ms\n`,
    );
    if (subject === mine) {
      spurious = changes;
      for (const director of ['director1', 'director2'] as const) {
        const engine = (await mine.cluster.status(director))?.engine;
        const {p50, p99, max} = engine?.lateness ?? {p50: NaN, p99: NaN, max: NaN};
        process.stdout.write(
          `  ${director}: timer lateness p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, most ${max.toFixed(1)} ms; ${engine?.realtime}\n`,
        );
      }
    }
    await subject.end();
  }
  // oxlint-enable no-await-in-loop
} finally {
  endLoads();
  await site.destroy();
}
process.exit(spurious === 0 ? 0 : 1);
