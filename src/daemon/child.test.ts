import {existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {until} from '../../test/lab/until.ts';
import {keepChild} from './child.ts';
import {programs} from './programs.ts';

const LIMIT = 40_000;

/** A process of this program, and not one that just ended. */
function isOurs(pid: string, entry: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(entry);
  } catch {
    return false;
  }
}

test('a spare is loaded, reported as loaded, and replaces a child that dies', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-child-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const entry = path.join(folder, 'program.mjs');
  writeFileSync(
    entry,
    "process.on('disconnect', () => process.exit()).on('message', () => process.exit()); process.send(process.pid);",
  );
  const messages: number[] = [];
  const deaths: string[] = [];
  const child = keepChild<object, number>({
    name: 'program',
    entry,
    clock: systemClock,
    onMessage: (pid) => messages.push(pid),
    onDeath: (how) => deaths.push(how),
  });
  t.teardown(() => child.stop({}, LIMIT));
  t.is(child.status().spare, undefined);
  await until('a spare is loaded', LIMIT, () => child.status().spare === 'loaded');
  const {pid, state} = child.status();
  t.is(state, 'running');
  const scores = (): number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && isOurs(name, entry))
      .map((name) => Number(readFileSync(`/proc/${name}/oom_score_adj`, 'utf8')))
      .toSorted((a, b) => a - b);
  const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  const offered = Math.min(own + 1_000, 1_000);
  t.deepEqual(scores(), [own, offered], 'the kernel kills the spare first');
  t.deepEqual(messages, [pid ?? 0], 'a spare’s messages are held back');
  process.kill(pid ?? 0, 'SIGKILL');
  await until('the spare has replaced it', LIMIT, () => messages.length === 2);
  const now = child.status();
  t.deepEqual(deaths, ['SIGKILL']);
  t.is(now.pid, messages[1]);
  t.is(now.restarts, 1);
  t.is(now.spare, undefined, 'the next spare starts after a delay');
  t.deepEqual(scores(), [own], 'and not when it works');
});

const CAP_NET_ADMIN = 1n << 12n;
const CAP_NET_RAW = 1n << 13n;
/** Young connections need it: the reserved service uses port 1. */
const CAP_NET_BIND_SERVICE = 1n << 10n;

test('the sync process and its spare keep only the three network capabilities, in every thread', async (t) => {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/setpriv')) {
    t.log('not run: needs root and setpriv (util-linux)');
    t.pass();
    return;
  }
  const messages: unknown[] = [];
  const child = keepChild<{readonly type: 'stop'}, unknown>({
    name: 'sync',
    ...programs.sync,
    clock: systemClock,
    onMessage: (message) => messages.push(message),
    onDeath: () => undefined,
  });
  t.teardown(() => child.stop({type: 'stop'}, LIMIT));
  const allowed = CAP_NET_ADMIN | CAP_NET_RAW | CAP_NET_BIND_SERVICE;
  const check = (pid: number): void => {
    const threads = readdirSync(`/proc/${pid}/task`);
    t.true(threads.length > 1);
    for (const thread of threads) {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      const word = (field: string): string => new RegExp(`^${field}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '';
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        t.is(BigInt(`0x${word(set)}`) & ~allowed, 0n, `${set} of thread ${thread}`);
      t.is(word('NoNewPrivs'), '1');
    }
  };
  await until('it runs', LIMIT, () => messages.length === 1);
  const {pid = 0} = child.status();
  check(pid);
  await until('a spare is loaded', LIMIT, () => child.status().spare === 'loaded');
  process.kill(pid, 'SIGKILL');
  await until('the spare has replaced it', LIMIT, () => messages.length === 2);
  check(child.status().pid ?? 0);
});

test('a child that waits for something is starting until then, and a stop before leaves nothing', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-child-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const entry = path.join(folder, 'program.mjs');
  writeFileSync(entry, "process.on('disconnect', () => process.exit()); process.send(process.pid);");
  const make = (after: Promise<unknown>) => {
    const messages: number[] = [];
    const options = {name: 'program', entry, clock: systemClock, after, onDeath: () => undefined};
    const child = keepChild<object, number>({...options, onMessage: (pid) => messages.push(pid)});
    t.teardown(() => child.stop({}, 0));
    return {child, messages};
  };
  let begin = (): void => undefined;
  const {child, messages} = make(new Promise<void>((resolve) => (begin = resolve)));
  t.false(child.send({}));
  t.is(child.status().state, 'starting');
  t.is(child.status().pid, undefined);
  begin();
  await until('it runs', LIMIT, () => child.status().state === 'running');
  t.deepEqual(messages, [child.status().pid ?? 0]);

  let never = (): void => undefined;
  const wait = new Promise<void>((resolve) => (never = resolve));
  const {child: stopped} = make(wait);
  await stopped.stop({}, LIMIT);
  never();
  await wait;
  t.is(stopped.status().pid, undefined, 'not started after its stop');
});
