/** The checks process as started by hactld: its shards, their privileges, and the effect of killing one. */
import {fork, type ChildProcess} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {CheckSpec, FromChecks, ToChecks} from './messages.ts';
import {checkOf, serve} from './probes/testing.ts';

const LIMIT = 60_000;
const isRoot = process.getuid?.() === 0;
const CAP_NET_RAW = 1n << 13n;

interface Running {
  readonly child: ChildProcess;
  readonly said: FromChecks[];
  send(message: ToChecks): void;
}

function startChecks(t: ExecutionContext): Running {
  const child = fork(path.join(import.meta.dirname, 'main.ts'), [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {...process.env, HACTL_SECRET_OF_OURS: 'x'},
  });
  t.teardown(() => child.kill('SIGKILL'));
  const messages: FromChecks[] = [];
  child.on('message', (message: FromChecks) => messages.push(message));
  return {child, said: messages, send: (message) => void child.send(message)};
}

async function until<Value>(what: string, look: () => Value | undefined | false): Promise<Value> {
  const end = performance.now() + LIMIT;
  for (;;) {
    const value = look();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`timed out waiting for: ${what}`);
    // oxlint-disable-next-line no-await-in-loop -- polling.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
const status = (pid: number | undefined, field: string): string =>
  new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
const alive = (pid: number): boolean => existsSync(`/proc/${pid}`) && !status(pid, 'State').startsWith('Z');
const stateOf = ({said}: Running, id: string): string | undefined =>
  said
    .flatMap((message) =>
      message.type === 'verdict' && message.report.id === id ? [message.report.state] : [],
    )
    .at(-1);

const page = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK';
const http = (id: string, port: number, virtual: number, more: Partial<CheckSpec> = {}): CheckSpec =>
  checkOf('http', port, {
    id,
    virtualAddress: `10.0.0.${virtual}`,
    virtualPort: 80,
    receive: 'OK',
    checkInterval: 100,
    ...more,
  });

test('killing a shard interrupts only its own services, briefly and without loss of state', async (t) => {
  const port = await serve(t, (socket) => socket.once('data', () => socket.end(page)));
  const checks = startChecks(t);
  await until('ready', () => checks.said.some(({type}) => type === 'ready'));
  checks.send({type: 'configure', specs: [http('a', port, 1), http('b', port, 2)]});
  await until('both are up', () => stateOf(checks, 'a') === 'up' && stateOf(checks, 'b') === 'up');
  const shards = childrenOf(checks.child.pid ?? 0);
  t.is(shards.length, 2);
  const counts = async (): Promise<Map<string, number>> => {
    checks.said.length = 0;
    checks.send({type: 'report'});
    const report = await until('a report', () =>
      checks.said.flatMap((message) => (message.type === 'reports' ? [message] : [])).at(0),
    );
    return new Map(report.reports.map((report) => [report.id, report.checks]));
  };
  t.deepEqual([...(await counts()).keys()].toSorted(), ['a', 'b']);
  process.kill(shards[0] ?? 0, 'SIGKILL');
  const log = await until('it is reported', () =>
    checks.said.flatMap((message) => (message.type === 'log' ? [message.message] : [])).at(0),
  );
  t.regex(log, /ended \(SIGKILL\)/);
  if (isRoot) {
    // Root has been dropped: the supervisor would restart everything only if this shard could not be started.
    t.is(checks.child.exitCode, null);
  }
  for (let both = false; !both;) {
    // oxlint-disable-next-line no-await-in-loop -- polling until both are checked again.
    const known = await counts();
    both = (known.get('a') ?? 0) > 0 && (known.get('b') ?? 0) > 0;
  }
  t.deepEqual(
    checks.said.filter((message) => message.type === 'verdict' && message.report.state === 'down'),
    [],
    'nobody was taken for dead',
  );
});

/** Sends a page of 900 KB while told to, then one of a few octets. */
async function heavyServer(t: ExecutionContext): Promise<number> {
  const body = `${'x'.repeat(900_000)}OK`;
  const large = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  return serve(t, (socket) => socket.once('data', () => socket.end(large)));
}

test('a shard without time to answer is not in the report, and counts as a second late', async (t) => {
  const port = await serve(t, (socket) => socket.once('data', () => socket.end(page)));
  const checks = startChecks(t);
  await until('ready', () => checks.said.some(({type}) => type === 'ready'));
  checks.send({type: 'configure', specs: [http('a', port, 1)]});
  await until('it is up', () => stateOf(checks, 'a') === 'up');
  const shards = childrenOf(checks.child.pid ?? 0);
  for (const pid of shards) process.kill(pid, 'SIGSTOP');
  const {reports, lateness} = await report(checks);
  for (const pid of shards) process.kill(pid, 'SIGCONT');
  t.deepEqual([reports.length, lateness], [0, {p50: 1_000, p99: 1_000, max: 1_000}]);
});

const report = async (checks: Running): Promise<Extract<FromChecks, {type: 'reports'}>> => {
  checks.said.length = 0;
  checks.send({type: 'report'});
  return until('a report', () =>
    checks.said.flatMap((message) => (message.type === 'reports' ? [message] : [])).at(0),
  );
};

test('a server with expensive checks stays in quarantine through a reload and a crash of its process', async (t) => {
  const [port, heavy] = [
    await serve(t, (socket) => socket.once('data', () => socket.end(page))),
    await heavyServer(t),
  ];
  const checks = startChecks(t);
  await until('ready', () => checks.said.some(({type}) => type === 'ready'));
  // Only one of the service's two servers: the other stays in its shard.
  const specs = [
    http('a', port, 1),
    http('b', port, 2),
    http('heavy', heavy, 2, {initial: 'up', failureCount: 1}),
  ];
  checks.send({type: 'configure', specs});
  const down = (): unknown[] =>
    checks.said.filter((message) => message.type === 'verdict' && message.report.state === 'down');
  const settled = async (): Promise<Extract<FromChecks, {type: 'reports'}>> => {
    for (;;) {
      t.deepEqual(down(), []);
      // oxlint-disable-next-line no-await-in-loop -- polling.
      const now = await report(checks);
      const checked = now.reports.filter(({checks: count}) => count > 0);
      if (checked.length === 3 && now.quarantined.length > 0) return now;
    }
  };
  const first = await settled();
  t.deepEqual(first.quarantined, ['heavy']);
  t.deepEqual(first.reports.map(({id, state}) => `${id} ${state}`).toSorted(), ['a up', 'b up', 'heavy up']);
  t.deepEqual(first.services.map(({check}) => check).toSorted(), ['a', 'b']);
  const pid = checks.child.pid ?? 0;
  t.is(childrenOf(pid).length, 3, 'one more process');
  const [, , quarantine = 0] = childrenOf(pid);
  const nice = (target: number): string =>
    readFileSync(`/proc/${target}/stat`, 'utf8').split(') ')[1]?.split(' ')[16] ?? '';
  t.is(Number(nice(quarantine)), Math.min(19, Number(nice(pid)) + 10));
  t.is(status(quarantine, 'Uid'), status(pid, 'Uid'));
  checks.send({type: 'configure', specs: [...specs, http('c', port, 3)]});
  await until('the new one is up', () => stateOf(checks, 'c') === 'up');
  t.deepEqual((await report(checks)).quarantined, ['heavy'], 'a reload moves nothing');
  checks.send({type: 'configure', specs});
  process.kill(quarantine, 'SIGKILL');
  await until('it is gone', () => !alive(quarantine));
  t.deepEqual((await settled()).quarantined, ['heavy']);
  checks.send({type: 'configure', specs: specs.slice(0, 2)});
  await until('an empty quarantine ends', () => childrenOf(pid).filter(alive).length === 2);
  t.deepEqual((await report(checks)).quarantined, []);
});

test('the checks run as another user without capabilities, raw sockets where pings need them', async (t) => {
  if (!isRoot) {
    t.log('not root: nothing to give up');
    t.pass();
    return;
  }
  const port = await serve(t, (socket) => socket.once('data', () => socket.end(page)));
  for (const ping of [false, true]) {
    const checks = startChecks(t);
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    await until('ready', () => checks.said.some(({type}) => type === 'ready'));
    const specs = [http('a', port, 1), http('b', port, 2, ping ? {checkType: {kind: 'ping'}} : {})];
    checks.send({type: 'configure', specs, identity: {checkUser: 'nobody'}});
    // oxlint-disable-next-line no-await-in-loop -- as above.
    await until('both are up', () => stateOf(checks, 'a') === 'up' && stateOf(checks, 'b') === 'up');
    const pid = checks.child.pid ?? 0;
    for (const target of [pid, ...childrenOf(pid)]) {
      t.is(status(target, 'Uid'), '65534\t65534\t65534\t65534');
      t.is(status(target, 'Gid'), '65534\t65534\t65534\t65534');
      t.is(status(target, 'Groups').trim(), '');
      t.is(status(target, 'NoNewPrivs'), '1');
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
        t.is(BigInt(`0x${status(target, set)}`) & ~(ping ? CAP_NET_RAW : 0n), 0n, `${set} of ${target}`);
    }
    // Restarted by a process that is no longer root.
    process.kill(childrenOf(pid)[0] ?? 0, 'SIGKILL');
    // oxlint-disable-next-line no-await-in-loop -- as above.
    await until('two shards again', () => childrenOf(pid).filter(alive).length === 2);
    for (const child of childrenOf(pid)) t.is(status(child, 'Uid'), '65534\t65534\t65534\t65534');
    checks.send({type: 'stop'});
    // oxlint-disable-next-line no-await-in-loop -- as above.
    await until('it ended', () => checks.child.exitCode !== null);
  }
});

test('a check that needs root after it was dropped makes the process restart', async (t) => {
  if (!isRoot) {
    t.log('not root: nothing to give up');
    t.pass();
    return;
  }
  const port = await serve(t, (socket) => socket.once('data', () => socket.end(page)));
  const checks = startChecks(t);
  await until('ready', () => checks.said.some(({type}) => type === 'ready'));
  checks.send({type: 'configure', specs: [http('a', port, 1)]});
  await until('it is up', () => stateOf(checks, 'a') === 'up');
  checks.send({
    type: 'configure',
    specs: [http('a', port, 1), http('x', 1, 2, {checkType: {kind: 'external'}, checkCommand: '/bin/true'})],
  });
  await until('it ended', () => checks.child.exitCode !== null);
  t.is(checks.child.exitCode, 0);
  t.true(checks.said.some((message) => message.type === 'log' && message.message.includes('restarts')));
});

/** A script that starts another process, records both pids, and hangs; it ignores TERM. */
function hangingScript(t: ExecutionContext): {file: string; pids: () => number[]} {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-hang-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  writeFileSync(
    path.join(folder, 'check.sh'),
    `#!/bin/sh\ntrap '' TERM\nsleep 1000 &\nenv >${folder}/env\necho $$ $! $(id -u) >${folder}/new\nmv ${folder}/new ${folder}/pids\nwait\nwait\n`,
    {mode: 0o755},
  );
  const file = path.join(folder, 'pids');
  return {
    file: path.join(folder, 'check.sh'),
    pids: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').map(Number) : []),
  };
}

for (const end of ['stop', 'SIGKILL of the process', 'SIGKILL of all of them'] as const)
  test(`external commands and their children end with the checks: ${end}`, async (t) => {
    const script = hangingScript(t);
    const checks = startChecks(t);
    await until('ready', () => checks.said.some(({type}) => type === 'ready'));
    const spec = http('x', 1, 1, {checkType: {kind: 'external'}, checkCommand: script.file});
    checks.send({type: 'configure', specs: [spec]});
    const [shell = 0, sleeper = 0] = await until('it runs', () => script.pids().length > 2 && script.pids());
    t.true(alive(shell) && alive(sleeper));
    // Answered in a later turn: by then the reaper knows the script.
    checks.send({type: 'report'});
    await until('a report', () =>
      checks.said.some((message) => message.type === 'reports' && message.reports.length === 1),
    );
    const environment = readFileSync(path.join(path.dirname(script.file), 'env'), 'utf8');
    t.notRegex(environment, /HACTL_SECRET_OF_OURS|NODE_CHANNEL/, 'a clean environment');
    t.regex(environment, /^PATH=/m);
    const pid = checks.child.pid ?? 0;
    const shards = childrenOf(pid);
    if (end === 'stop') checks.send({type: 'stop'});
    else
      for (const target of end === 'SIGKILL of the process' ? [pid] : [pid, ...shards])
        process.kill(target, 'SIGKILL');
    await until('the script ended', () => !alive(shell));
    await until('what it started ended', () => !alive(sleeper));
    t.pass();
  });
