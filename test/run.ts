/**
 * `npm test`: every test there is, in stages, with one count at the end. Tests that need IPVS run inside the micro-VM
 * (or on the host's own kernel where it has IPVS); tests that need network namespaces run here as root, in the
 * micro-VM otherwise. Nothing is skipped without a line that says so.
 */
import {spawn} from 'node:child_process';
import {readdirSync} from 'node:fs';
import path from 'node:path';
import {parseArgs} from 'node:util';
import {countTap} from './tap.ts';

const root = path.resolve(import.meta.dirname, '..');
const bin = path.join(root, 'node_modules/.bin');
const {values} = parseArgs({options: {only: {type: 'string'}}});

interface Stage {
  readonly name: string;
  readonly argv: readonly string[];
  /** A TAP producer is counted by its lines; anything else is one test, its exit status the verdict. */
  readonly tap: boolean;
  readonly limit: number;
}

const files = ['packages', 'src', 'test'].flatMap((top) =>
  readdirSync(path.join(root, top), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map((name) => `${top}/${name}`),
);
const isRoot = process.getuid?.() === 0;
const needsIpvs = files.filter((name) => name.endsWith('.vm.test.ts'));
const needsNetns = files.filter((name) => name.endsWith('.netns.test.ts'));
const special = new Set([...needsIpvs, ...(isRoot ? [] : needsNetns)]);
const here = files.filter((name) => !special.has(name));
const inVm = [...needsIpvs, ...(isRoot ? [] : needsNetns)];

const node = path.join(bin, 'node');
const ava = [node, path.join(root, 'node_modules/ava/entrypoints/cli.js'), '--tap', '--timeout=120s'];
const lab = [node, 'src/lab/enter.ts'];
const seconds = (count: number): number => count * 1_000;

const stages: readonly Stage[] = [
  {name: 'types', argv: ['npm', 'run', '-s', 'typecheck'], tap: false, limit: seconds(120)},
  {name: 'lint', argv: ['npm', 'run', '-s', 'lint'], tap: false, limit: seconds(120)},
  {name: 'format', argv: ['npm', 'run', '-s', 'format'], tap: false, limit: seconds(120)},
  {name: 'tests on this kernel', argv: [...ava, ...here], tap: true, limit: seconds(300)},
  {name: 'tests that need IPVS', argv: [...lab, 'test/vm/ava.ts', ...inVm], tap: true, limit: seconds(480)},
  {name: 'drill', argv: [...lab, 'src/drill/main.ts', '--no-times'], tap: false, limit: seconds(300)},
];

let [passed, failed] = [0, 0];
const summary: string[] = [];

for (const stage of stages.filter((one) => values.only === undefined || one.name.includes(values.only))) {
  process.stdout.write(`\n=== ${stage.name}\n`);
  const started = performance.now();
  // oxlint-disable-next-line no-await-in-loop -- stages share two cores: one after another.
  const {status, output} = await run(stage);
  const count = stage.tap ? countTap(output) : {passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1};
  // A runner that died, or ran nothing, is a failure of its own.
  if (stage.tap && (count.passed + count.failed === 0 || (status !== 0 && count.failed === 0)))
    count.failed += 1;
  passed += count.passed;
  failed += count.failed;
  const took = ((performance.now() - started) / 1_000).toFixed(1);
  summary.push(`${stage.name}: ${count.passed} passed, ${count.failed} failed (${took} s)`);
  process.stdout.write(`--- ${summary.at(-1)}\n`);
}

process.stdout.write(`\n${summary.join('\n')}\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function run(stage: Stage): Promise<{status: number; output: string}> {
  return new Promise((resolve) => {
    const [command, ...words] = stage.argv;
    const child = spawn(command ?? '', words, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {...process.env, PATH: `${bin}:${process.env.PATH}`, FORCE_COLOR: '0'},
    });
    let output = '';
    let partial = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => {
      output += chunk;
      partial += chunk;
      const lines = partial.split('\n');
      partial = lines.pop() ?? '';
      // Of a TAP stream people need to see what failed; the rest is counted.
      for (const line of lines)
        if (!stage.tap || !/^(ok |TAP |# |\s*$)/.test(line)) process.stdout.write(line + '\n');
    });
    const timer = setTimeout(() => {
      process.stdout.write(`${stage.name}: not done after ${stage.limit / 1_000} s, ended\n`);
      child.kill('SIGTERM');
    }, stage.limit);
    child.on('error', (error) => {
      process.stdout.write(`${stage.name}: ${error.message}\n`);
      resolve({status: 127, output});
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (partial !== '') process.stdout.write(partial + '\n');
      resolve({status: code ?? 1, output});
    });
  });
}
