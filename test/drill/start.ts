/**
 * `npm run drill`: prepares the lab with progress output, then runs the drill on a kernel with IPVS; with `--site vagrant` on
 * the machines of vagrant/Vagrantfile. Saves the report in `drills/`.
 */
import {spawn} from 'node:child_process';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {LabError} from '../lab/apt.ts';
import {prepareTsung} from '../lab/tsung-packages.ts';
import {helpText, readOptions} from './options.ts';
import {keep, reportReader} from './reports.ts';

const root = path.resolve(import.meta.dirname, '../..');
const words = process.argv.slice(2);
const at = words.indexOf('--site');
const ground = at === -1 ? 'namespaces' : (words[at + 1] ?? '');
const rest = at === -1 ? words : [...words.slice(0, at), ...words.slice(at + 2)];
const programs: Readonly<Record<string, readonly string[]>> = {
  namespaces: ['test/lab/enter.ts', 'test/drill/main.ts'],
  vagrant: ['test/drill/vagrant.ts'],
};
const program = programs[ground];
if (program === undefined) {
  process.stderr.write(`--site ${ground}: expected ${Object.keys(programs).join(' or ')}\n`);
  process.exit(2);
}
const read = readOptions(rest);
if ('problem' in read) {
  process.stderr.write(`${read.problem}\n`);
  process.exit(2);
}
const help = helpText(read.options);
if (help !== undefined) {
  process.stdout.write(help);
  process.exit(0);
}
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
// All drills take longer than the default selection.
const env: NodeJS.ProcessEnv = {HACTL_LAB_MINUTES: rest.includes('--all') ? '60' : '24', ...process.env};
if (read.options.tsung && ground === 'namespaces')
  try {
    env.HACTL_LAB_OVER = prepareTsung((line) => process.stderr.write(`${line}\n`)).tree;
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
const child = spawn(process.execPath, [...program, ...rest, '--print-report'], {
  cwd: root,
  env,
  stdio: ['inherit', 'pipe', 'inherit'],
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 1)));
const readReport = reportReader((report) => keep(report, say));
createInterface({input: child.stdout}).on('line', (line) => {
  if (!readReport(line)) say(line);
});
process.exit(await ended);
