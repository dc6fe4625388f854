/** The drop-in command: its words, its exit statuses and messages, with real daemons (which hold no virtual service). */
import {spawn, spawnSync} from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {readCommandLine} from './command-line.ts';
import {until} from '../../../test/lab/until.ts';

const program = fileURLToPath(new URL('../../ldirectord.ts', import.meta.url));
const LIMIT = 60_000;
// Tests that start daemons are serial: nine at once on two cores take longer to start than a command waits.

for (const [words, expected] of [
  [['start'], {kind: 'act', action: 'start', debug: false, config: 'ldirectord.cf'}],
  [['web.cf', 'stop'], {kind: 'act', action: 'stop', debug: false, config: 'web.cf'}],
  [['-d', 'web.cf', 'status'], {kind: 'act', action: 'status', debug: true, config: 'web.cf'}],
  [['--debug', '--', '-odd.cf', 'status'], {kind: 'act', action: 'status', debug: true, config: '-odd.cf'}],
  [['try-restart'], {kind: 'act', action: 'try-restart', debug: false, config: 'ldirectord.cf'}],
  [['force-reload'], {kind: 'act', action: 'force-reload', debug: false, config: 'ldirectord.cf'}],
  [[], {kind: 'usage'}],
  [['begin'], {kind: 'usage'}],
  [['start', 'web.cf'], {kind: 'usage'}],
  [['a', 'b', 'start'], {kind: 'usage'}],
  [['--nosuch', 'start'], {kind: 'usage'}],
  [['-h'], {kind: 'help'}],
  [['-?'], {kind: 'help'}],
  [['--version'], {kind: 'version'}],
] as const)
  test(`ldirectord ${words.join(' ')}: ${expected.kind}`, (t) => {
    t.deepEqual(readCommandLine(words), {...expected});
  });

/** A machine's folders of the test's own. */
function machine(t: ExecutionContext) {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-ldirectord-'));
  const folders = {
    HACTL_CONFIG_DIR: `${root}/ha.d`,
    HACTL_RUN_DIR: `${root}/run`,
    HACTL_STATE_DIR: `${root}/state`,
  };
  for (const folder of Object.values(folders)) mkdirSync(folder);
  const call = (...words: string[]) => {
    const {status, stdout, stderr} = spawnSync(process.execPath, [program, ...words], {
      encoding: 'utf8',
      timeout: LIMIT,
      env: {...process.env, ...folders},
    });
    return {status, stdout, stderr};
  };
  const pids = (): number[] => {
    const instances = path.join(folders.HACTL_RUN_DIR, 'ldirectord');
    return (existsSync(instances) ? readdirSync(instances) : []).flatMap((name) => {
      const file = path.join(instances, name, 'ldirectord.pid');
      return existsSync(file) ? [Number(readFileSync(file, 'utf8'))] : [];
    });
  };
  t.teardown(async () => {
    for (const pid of pids()) {
      try {
        process.kill(pid, 'SIGTERM');
      } catch {
        // It has ended already.
      }
    }
    await until('every daemon has ended', LIMIT, () => pids().every((pid) => !existsSync(`/proc/${pid}`)));
    rmSync(root, {recursive: true, force: true});
  });
  const put = (name: string, text = 'checktimeout=5\n'): string => {
    const file = path.join(folders.HACTL_CONFIG_DIR, name);
    mkdirSync(path.dirname(file), {recursive: true});
    writeFileSync(file, `logfile="${root}/log"\n${text}`);
    return file;
  };
  return {root, folders, call, put, pids, log: () => readFileSync(`${root}/log`, 'utf8')};
}

test.serial('start, status, reload, restart, stop: statuses and messages', async (t) => {
  t.timeout(2 * LIMIT);
  const {call, put, pids, log} = machine(t);
  const file = put('ldirectord.cf');
  t.like(call('status'), {status: 3, stdout: `ldirectord is stopped for ${file}\n`});
  for (const [action, status] of [
    ['stop', 0],
    ['try-restart', 0],
    ['reload', 1],
    ['force-reload', 1],
  ] as const)
    t.deepEqual(call(action), {status, stdout: '', stderr: ''}, `${action}, not running`);

  t.deepEqual(call('start'), {status: 0, stdout: '', stderr: ''});
  const [pid] = pids();
  t.deepEqual(call('status'), {
    status: 0,
    stdout: '',
    stderr: `ldirectord for ${file} is running with pid: ${pid}\n`,
  });
  t.deepEqual(call('ldirectord.cf', 'start'), {status: 0, stdout: '', stderr: ''}, 'it runs already');
  t.deepEqual(pids(), [pid]);

  put('ldirectord.cf', 'checktimeout=6\n');
  t.is(call('reload').status, 0);
  await until('the reload', LIMIT, () => log().includes('configuration reloaded'));

  t.is(call('restart').status, 0);
  const [next] = pids();
  t.not(next, pid);
  t.is(call('try-restart').status, 0);
  t.not(pids()[0], next);
  t.deepEqual(call('stop'), {status: 0, stdout: '', stderr: ''});
  await until('the daemon has ended', LIMIT, () => pids().length === 0);
  t.is(call('status').status, 3);
});

test.serial(
  'stop and status need no valid file; start, reload and restart report its errors and change nothing',
  async (t) => {
    t.timeout(2 * LIMIT);
    const {call, put, pids} = machine(t);
    const file = put('web.cf');
    t.is(call('web.cf', 'start').status, 0);
    const [pid] = pids();
    put('web.cf', 'nosuch=1\n');
    for (const action of ['start', 'reload', 'force-reload', 'restart', 'try-restart']) {
      const {status, stderr} = call('web.cf', action);
      t.is(status, 2, action);
      t.regex(stderr, new RegExp(`^Error \\[\\d+\\] reading file ${file} at line 2: Unknown command nosuch`));
    }
    t.deepEqual(pids(), [pid]);
    t.is(call('web.cf', 'status').status, 0);
    rmSync(file);
    t.is(call('web.cf', 'status').status, 0, 'without its file too');
    t.is(call('web.cf', 'stop').status, 0);
    await until('the daemon has ended', LIMIT, () => pids().length === 0);
    t.like(call('web.cf', 'start'), {status: 1, stderr: `Config file ${file} not found\n`});
  },
);

test.serial('one file is one instance under any name; two files are two', (t) => {
  t.timeout(2 * LIMIT);
  const {call, put, pids, root} = machine(t);
  const file = put('conf/ldirectord.cf');
  symlinkSync(file, path.join(root, 'link.cf'));
  t.is(call('start').status, 0);
  for (const name of ['ldirectord.cf', file, path.join(root, 'link.cf')]) {
    t.is(call(name, 'start').status, 0);
    t.is(call(name, 'status').status, 0, name);
  }
  t.is(pids().length, 1);
  const sameName = path.join(root, 'ldirectord.cf');
  writeFileSync(sameName, `logfile="${root}/log"\n`);
  t.is(call(sameName, 'status').status, 3, 'the same base name in another folder');
  t.is(call(sameName, 'start').status, 0);
  t.is(pids().length, 2);
});

test.serial('a killed daemon leaves a stale pid file: status reports it, start continues', async (t) => {
  t.timeout(2 * LIMIT);
  const {call, put, pids} = machine(t);
  put('ldirectord.cf');
  t.is(call('start').status, 0);
  const [pid = 0] = pids();
  // Kill the whole group, as in a power loss: a killed launcher alone leaves a supervisor that cleans up.
  process.kill(-pid, 'SIGKILL');
  await until('it is dead', LIMIT, () => !existsSync(`/proc/${pid}`));
  const {status, stderr} = call('status');
  t.is(status, 1);
  t.regex(stderr, /^ldirectord stale pid file /);
  t.is(call('start').status, 0);
  t.not(pids()[0], pid);
});

test.serial('usage, help and version', (t) => {
  const {call} = machine(t);
  t.like(call(), {status: 255, stderr: ''});
  t.regex(call('begin').stdout, /^usage: ldirectord/);
  t.like(call('--help'), {status: 0});
  t.regex(call('-v').stdout, /ldirectord 4\.12/);
});

for (const [words, text] of [
  [['-d', 'web.cf', 'start'], 'checktimeout=5\n'],
  [['web.cf', 'start'], 'supervised=yes\n'],
] as const)
  test.serial(
    `ldirectord ${words.join(' ')} with ${text.trim()} stays in the foreground until SIGTERM`,
    async (t) => {
      t.timeout(2 * LIMIT);
      const {call, put, folders, pids} = machine(t);
      put('web.cf', text);
      const child = spawn(process.execPath, [program, ...words], {
        stdio: 'ignore',
        env: {...process.env, ...folders},
      });
      const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
      await until('it runs', LIMIT, () => call('web.cf', 'status').status === 0);
      t.is(child.exitCode, null);
      child.kill('SIGTERM');
      t.is(await ended, 0);
      t.deepEqual(pids(), []);
      t.is(call('web.cf', 'status').status, 3);
    },
  );

test.serial('ldirectord in the foreground, SIGTERM before its daemon has loaded: status 0', async (t) => {
  t.timeout(2 * LIMIT);
  const {put, folders, pids} = machine(t);
  put('web.cf', 'supervised=yes\n');
  const child = spawn(process.execPath, [program, 'web.cf', 'start'], {
    stdio: 'ignore',
    env: {...process.env, ...folders},
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  await until('the daemon has a process', LIMIT, () => pids()[0] !== undefined && pids()[0] !== 0);
  child.kill('SIGTERM');
  t.is(await ended, 0);
  t.deepEqual(pids(), []);
});

test.serial(
  'for a file that hactld serves start and status succeed, reload is forwarded, stop is refused',
  async (t) => {
    t.timeout(2 * LIMIT);
    const {call, put, folders, pids, log} = machine(t);
    const file = put('ldirectord.cf');
    const hactld = fileURLToPath(new URL('../../hactld.ts', import.meta.url));
    const child = spawn(process.execPath, [hactld], {stdio: 'ignore', env: {...process.env, ...folders}});
    const ended = new Promise((resolve) => child.on('exit', resolve));
    t.teardown(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    await until('it runs', LIMIT, () => call('status').status === 0);
    t.regex(call('status').stderr, new RegExp(`^ldirectord for ${file} is running with pid: \\d+\n$`));
    t.deepEqual(call('start'), {status: 0, stdout: '', stderr: ''});
    t.deepEqual(pids(), []);
    t.is(call('reload').status, 0);
    t.true(log().includes('configuration reloaded'));
    for (const action of ['stop', 'restart', 'try-restart']) {
      const {status, stderr} = call(action);
      t.is(status, 1, action);
      t.regex(stderr, /is served by hactld \(pid \d+\)/);
    }
    t.is(call('status').status, 0);
  },
);
