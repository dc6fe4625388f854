import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {endOrphans, programEnvironment, runLimited} from './run.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-run-'));
test.after.always(() => rmSync(folder, {recursive: true, force: true}));

const alive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));

async function gone(pid: number): Promise<void> {
  while (alive(pid)) await new Promise((resolve) => setImmediate(resolve));
}

test('at the limit a program and its children are killed', async (t) => {
  const run = await runLimited('/bin/sh', ['-c', 'sleep 1000 & echo $!; wait'], {limit: 300});
  t.true(run.timedOut);
  await gone(Number(run.output));
  t.is(run.status, 'SIGKILL');
});

test('a program that handles SIGTERM can print output during the grace period', async (t) => {
  const run = await runLimited(
    '/bin/sh',
    ['-c', 'trap "echo bye; exit 3" TERM; while :; do sleep 0.05; done'],
    {
      limit: 300,
      grace: 20_000,
      read: 'stdout',
    },
  );
  t.deepEqual(run, {status: 3, output: 'bye', timedOut: true});
});

test('a program’s environment has only the variables of a login', async (t) => {
  process.env.HACTL_TEST_SECRET = 'do-not-tell';
  const {status, output} = await runLimited('/usr/bin/env', [], {limit: 60_000});
  t.is(status, 0);
  const names = output.split('\n').map((line) => line.split('=')[0] ?? '');
  t.false(output.includes('do-not-tell'));
  t.deepEqual(
    names.filter(
      (name) => !['PATH', 'LANG', 'TZ', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'HACTL_CHILD_OF'].includes(name),
    ),
    [],
  );
});

test('the given standard input is passed, and a program that does not read it is not an error', async (t) => {
  t.is((await runLimited('/bin/cat', [], {limit: 10_000, input: 'a secret'})).output, 'a secret');
  t.is((await runLimited('/bin/true', [], {limit: 10_000, input: 'x'.repeat(1_000_000)})).status, 0);
});

test('a program that cannot be started is reported', async (t) => {
  const {status, unstarted} = await runLimited('/no/such/program', [], {limit: 1_000});
  t.true(unstarted);
  t.regex(String(status), /ENOENT/);
});

test('programs of a killed process were ended, those of a live process and those that may stay are not', async (t) => {
  const [mine, stays] = [true, false].map((marked) =>
    spawn('/bin/sleep', ['1000'], {env: programEnvironment({}, {leave: !marked}), stdio: 'ignore'}),
  ) as [ReturnType<typeof spawn>, ReturnType<typeof spawn>];
  t.teardown(() => {
    mine.kill('SIGKILL');
    stays.kill('SIGKILL');
  });
  // A process that starts two programs and is killed.
  const code = `
    import {startProgram, programEnvironment} from ${JSON.stringify(path.join(import.meta.dirname, 'run.ts'))};
    const one = startProgram('/bin/sh', ['-c', 'sleep 1000 & wait']);
    const two = startProgram('/bin/sleep', ['1000'], {env: programEnvironment({}, {leave: true})});
    console.log(one.pid + ' ' + two.pid);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const [one = 0, two = 0] = line.toString().trim().split(' ').map(Number);
  t.teardown(() => spawnSync('/bin/kill', ['-9', String(two)]));
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  t.true(alive(one), 'not killed yet');
  t.true(endOrphans() >= 1);
  await gone(one);
  t.true(alive(two) && alive(mine.pid ?? 0) && alive(stays.pid ?? 0));
});
