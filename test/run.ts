/**
 * `npm test`: runs all tests in stages, with one total at the end. Tests that need IPVS run in the micro-VM (or on the host's
 * kernel if it has IPVS). Tests that need network namespaces, and tests against the servers of test/lab/servers.ts, run here as
 * root, otherwise in the micro-VM. Everything skipped is reported.
 */
import {spawn} from 'node:child_process';
import {readdirSync} from 'node:fs';
import path from 'node:path';
import {affectedTests, changedSince, packageExports} from './affected.ts';
import {readOptions} from './options.ts';
import {countTap} from './tap.ts';

const root = path.resolve(import.meta.dirname, '..');
const bin = path.join(root, 'node_modules/.bin');
const {values} = readOptions({
  options: {
    only: {type: 'string'},
    /** Only what a change since this commit can reach. */
    since: {type: 'string'},
  },
});

interface Stage {
  readonly name: string;
  readonly argv: readonly string[];
  /** TAP output is counted by its lines; any other program is one test, passed if its exit status is 0. */
  readonly tap: boolean;
  /** Timeout against hangs, milliseconds: twice the duration on a slow machine. */
  readonly limit: number;
  /** Which stages may run in parallel: those that measure silences run alone, at the end. */
  readonly lane: 'first' | 'second' | 'alone';
}

const everyTest = ['packages', 'src', 'test'].flatMap((top) =>
  readdirSync(path.join(root, top), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .map((name) => `${top}/${name}`)
    // The long forms of attacks: npm run test:attacks.
    .filter((name) => !name.startsWith('test/attacks/')),
);
const files = values.since === undefined ? everyTest : await sinceTests(everyTest, values.since);
const isRoot = process.getuid?.() === 0;
const needsIpvs = files.filter((name) => name.endsWith('.vm.test.ts'));
const needsNetns = files.filter((name) => name.endsWith('.netns.test.ts'));
const needsServers = files.filter((name) => name.endsWith('.servers.test.ts'));
const special = new Set([...needsIpvs, ...needsServers, ...(isRoot ? [] : needsNetns)]);
const onKernel = files.filter((name) => !special.has(name));
const inVm = [...needsIpvs, ...(isRoot ? [] : needsNetns)];

const node = path.join(bin, 'node');
// Processes instead of threads (package.json): names derived from a pid are then unique per file, and only processes use the
// compile cache filled by the lab.
const ava = [node, path.join(root, 'node_modules/ava/entrypoints/cli.js'), '--tap', '--timeout=120s'];
const lab = [node, 'test/lab/enter.ts'];
const servers = [node, 'test/lab/servers.ts'];
const tools = [node, 'test/lab/tools.ts'];
const serversHere = isRoot && process.env.HACTL_LAB !== 'vm';
/** Split over three machines: a single one would take longer than the other lane. */
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

/** Runs the stages of a lane sequentially; buffers a stage's output while two lanes run. */
async function lane(of: readonly Stage[], together: boolean): Promise<void> {
  for (const stage of of) {
    const lines: string[] = [];
    const say = (line: string): void => {
      lines.push(line);
      if (!together) process.stdout.write(line + '\n');
    };
    process.stdout.write(`\n=== ${stage.name}${together ? ' (output follows when it is done)' : ''}\n`);
    const started = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- stages of a lane share a core: one after another.
    const {status, output} = await run(stage, say);
    const count = stage.tap ? countTap(output) : {passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1};
    // A runner that crashed or ran nothing counts as a failure.
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

// A micro-VM keeps one core busy: one runs in parallel with the stages of this kernel, then two in parallel.
const chosen = stages.filter(
  (stage) =>
    (values.only === undefined || stage.name.includes(values.only)) &&
    // A stage of tests of which none is affected.
    (values.since === undefined || !stage.tap || stage.argv.some((word) => word.endsWith('.test.ts'))),
);
const of = (name: Stage['lane']): readonly Stage[] => chosen.filter((stage) => stage.lane === name);
const both = of('first').length > 0 && of('second').length > 0;
await Promise.all([lane(of('first'), both), lane(of('second'), both)]);
await lane(of('alone'), false);

process.stdout.write(`\n${[...failures, ...summary].join('\n')}\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** The tests that a change since a commit can reach; says how many are left out. */
async function sinceTests(tests: readonly string[], ref: string): Promise<string[]> {
  // It reads the whole tree: only here.
  const {sources} = await import('./unit/import-graph.ts');
  const chosen = affectedTests(tests, sources, changedSince(ref), packageExports);
  process.stdout.write(
    `since ${ref}: ${chosen.length} of ${tests.length} test files, ${tests.length - chosen.length} left out\n`,
  );
  return chosen;
}

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
      // Print only the failures of a TAP stream; count the rest.
      for (const line of lines) if (!stage.tap || !/^(ok |TAP |# |\s*$)/.test(line)) say(line);
    });
    const timer = setTimeout(() => {
      say(`${stage.name}: not finished after ${stage.limit / 1_000} s, killed`);
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
