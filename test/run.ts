/**
 * `npm test`: every test there is, in stages, with one count at the end. Tests that need IPVS run inside the micro-VM
 * (or on the host's own kernel where it has IPVS); tests that need network namespaces run here as root, in the micro-VM
 * otherwise, and so do tests against real servers, which test/lab/servers.ts provides. Nothing is skipped without a line
 * that says so.
 */
import {spawn} from 'node:child_process';
import {readdirSync} from 'node:fs';
import path from 'node:path';
import {readOptions} from './options.ts';
import {countTap} from './tap.ts';

const root = path.resolve(import.meta.dirname, '..');
const bin = path.join(root, 'node_modules/.bin');
const {values} = readOptions({options: {only: {type: 'string'}}});

interface Stage {
  readonly name: string;
  readonly argv: readonly string[];
  /** A TAP producer is counted by its lines; anything else is one test, its exit status the verdict. */
  readonly tap: boolean;
  /** Milliseconds; twice what it takes on a slow machine: for what hangs, no judgement of times. */
  readonly limit: number;
  /** Beside which others it runs: what measures silences runs alone, at the end. */
  readonly lane: 'first' | 'second' | 'alone';
}

const files = ['packages', 'src', 'test'].flatMap((top) =>
  readdirSync(path.join(root, top), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map((name) => `${top}/${name}`)
    // The long forms of attacks: npm run test:attacks.
    .filter((name) => !name.startsWith('test/attacks/')),
);
const isRoot = process.getuid?.() === 0;
const needsIpvs = files.filter((name) => name.endsWith('.vm.test.ts'));
const needsNetns = files.filter((name) => name.endsWith('.netns.test.ts'));
const needsServers = files.filter((name) => name.endsWith('.servers.test.ts'));
const special = new Set([...needsIpvs, ...needsServers, ...(isRoot ? [] : needsNetns)]);
const onKernel = files.filter((name) => !special.has(name));
const inVm = [...needsIpvs, ...(isRoot ? [] : needsNetns)];

const node = path.join(bin, 'node');
// In processes and not in threads (package.json): names made of a pid are then a file's own, and only processes take their
// compiled form from the cache that the lab fills.
const ava = [node, path.join(root, 'node_modules/ava/entrypoints/cli.js'), '--tap', '--timeout=120s'];
const lab = [node, 'test/lab/enter.ts'];
const servers = [node, 'test/lab/servers.ts'];
const tools = [node, 'test/lab/tools.ts'];
const serversHere = isRoot && process.env.HACTL_LAB !== 'vm';
/** Three machines: one that ran them all would take longer than its lane. */
const machineOf = (name: string): 'packages' | 'host' | 'src' =>
  name.startsWith('packages/') ? 'packages' : name.startsWith('src/host/') ? 'host' : 'src';
const seconds = (count: number): number => count * 1_000;

const stages: readonly Stage[] = [
  {name: 'types', argv: ['npm', 'run', '-s', 'typecheck'], tap: false, limit: seconds(120), lane: 'second'},
  {name: 'lint', argv: ['npm', 'run', '-s', 'lint'], tap: false, limit: seconds(120), lane: 'second'},
  {name: 'format', argv: ['npm', 'run', '-s', 'format'], tap: false, limit: seconds(120), lane: 'second'},
  {
    name: 'tests on this kernel',
    argv: [...tools, ...ava, ...onKernel],
    tap: true,
    limit: seconds(1_200),
    lane: 'second',
  },
  ...(['packages', 'host', 'src'] as const).map((which): Stage => ({
    name: `tests that need IPVS, ${which}`,
    argv: [...lab, 'test/vm/ava.ts', ...inVm.filter((name) => machineOf(name) === which)],
    tap: true,
    limit: seconds(1_500),
    lane: which === 'src' ? 'second' : 'first',
  })),
  {
    name: 'tests against real servers',
    argv: [...servers, ...(serversHere ? ava : [node, 'test/vm/ava.ts']), ...needsServers],
    tap: true,
    limit: seconds(serversHere ? 900 : 1_500),
    lane: 'first',
  },
  {
    name: 'drill',
    argv: [...lab, 'test/drill/main.ts', '--no-times'],
    tap: false,
    limit: seconds(600),
    lane: 'alone',
  },
];

let [passed, failed] = [0, 0];
const summary: string[] = [];
const failures: string[] = [];

/** Of one lane, one stage after the other; a stage's lines are kept together when two lanes run. */
async function lane(of: readonly Stage[], together: boolean): Promise<void> {
  for (const stage of of) {
    const lines: string[] = [];
    const say = (line: string): void => {
      lines.push(line);
      if (!together) process.stdout.write(line + '\n');
    };
    process.stdout.write(`\n=== ${stage.name}${together ? ' (its lines follow when it is done)' : ''}\n`);
    const started = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- stages of a lane share a core: one after another.
    const {status, output} = await run(stage, say);
    const count = stage.tap ? countTap(output) : {passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1};
    // A runner that died, or ran nothing, is a failure of its own.
    if (stage.tap && (count.passed + count.failed === 0 || (status !== 0 && count.failed === 0)))
      count.failed += 1;
    passed += count.passed;
    failed += count.failed;
    const seconds = ((performance.now() - started) / 1_000).toFixed(1);
    const result = `${stage.name}: ${count.passed} passed, ${count.failed} failed (${seconds} s)`;
    summary.push(result);
    failures.push(
      ...lines.filter((line) => /^not ok |FAILED/.test(line)).map((line) => `${stage.name}: ${line}`),
    );
    process.stdout.write(`${[...(together ? lines.slice(-400) : []), `--- ${result}`].join('\n')}\n`);
  }
}

// A micro-VM keeps one core busy: one of them runs beside the stages of this kernel, then two beside one another.
const chosen = stages.filter((stage) => values.only === undefined || stage.name.includes(values.only));
const of = (name: Stage['lane']): readonly Stage[] => chosen.filter((stage) => stage.lane === name);
const both = of('first').length > 0 && of('second').length > 0;
await Promise.all([lane(of('first'), both), lane(of('second'), both)]);
await lane(of('alone'), false);

process.stdout.write(`\n${[...failures, ...summary].join('\n')}\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function run(stage: Stage, say: (line: string) => void): Promise<{status: number; output: string}> {
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
      for (const line of lines) if (!stage.tap || !/^(ok |TAP |# |\s*$)/.test(line)) say(line);
    });
    const timer = setTimeout(() => {
      say(`${stage.name}: not done after ${stage.limit / 1_000} s, ended`);
      child.kill('SIGTERM');
    }, stage.limit);
    child.on('error', (error) => {
      say(`${stage.name}: ${error.message}`);
      resolve({status: 127, output});
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (partial !== '') say(partial);
      resolve({status: code ?? 1, output});
    });
  });
}
