/** For tests against real servers: a folder, a port, a certificate and a process, all cleaned up. */
import {spawn, spawnSync} from 'node:child_process';
import {chmodSync, mkdtempSync, rmSync} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {signalGroup, systemClock} from '@hactl/base';
import type {ExecutionContext} from 'ava';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import type {Probe} from './services.ts';

/** A server is slow under emulation. */
const START_LIMIT = 200_000;
const POLL = 50;

/** A folder that any user may read and write, removed after the test. */
export function folder(t: ExecutionContext<unknown>): string {
  const made = mkdtempSync(path.join(os.tmpdir(), 'hactl-server-'));
  chmodSync(made, 0o777);
  // A check's script may still be writing there.
  t.teardown(() => rmSync(made, {recursive: true, force: true, maxRetries: 20}));
  return made;
}

/** A free port on loopback. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const {port} = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** A certificate signed by itself, in cert.pem and key.pem. */
export function certificate(into: string): {readonly cert: string; readonly key: string} {
  const [cert, key] = [path.join(into, 'cert.pem'), path.join(into, 'key.pem')];
  const made = spawnSync(
    'openssl',
    [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
      '-subj', '/CN=real.test', '-keyout', key, '-out', cert,
    ], // prettier-ignore
    {encoding: 'utf8'},
  );
  if (made.status !== 0) throw new Error(`openssl: ${made.error?.message ?? made.stderr}`);
  chmodSync(key, 0o644);
  return {cert, key};
}

/** Runs a command to its end; throws with its output when it fails. */
export function run(argv: readonly string[], input = ''): string {
  const [command = '', ...words] = argv;
  const {status, stdout, stderr, error} = spawnSync(command, words, {encoding: 'utf8', input});
  if (status !== 0)
    throw new Error(`${argv.join(' ')} ended with ${status}: ${error?.message ?? stderr + stdout}`);
  return stdout;
}

export interface ServerPlan {
  /** The server in the foreground. */
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Ready when this TCP port of loopback accepts a connection. */
  readonly port?: number;
  /** Or ready when this returns true. */
  readonly up?: () => boolean | Promise<boolean>;
}

/** Starts a server, waits until it serves, ends it after the test. A server that dies fails the test with its output. */
export async function startServer(t: ExecutionContext<unknown>, plan: ServerPlan): Promise<number> {
  const [command = '', ...words] = plan.argv;
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {...process.env, ...plan.env},
    // A process group of its own, so that its children end with it.
    detached: true,
  });
  let text = '';
  let ended: string | undefined;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-4_000);
    });
  child.on('error', (error) => (ended = error.message));
  const gone = new Promise<void>((resolve) => {
    child.on('error', () => resolve());
    child.on('close', () => resolve());
  });
  child.on('exit', (status, signal) => (ended = `ended with ${status ?? signal}`));
  t.teardown(async () => {
    signalGroup(child, 'SIGKILL');
    await gone;
  });
  const deadline = performance.now() + START_LIMIT;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- polling.
    if (await (plan.up?.() ?? accepts(plan.port ?? 0))) return child.pid ?? 0;
    if (ended !== undefined) throw new Error(`${plan.argv.join(' ')} ${ended}: ${text}`);
    if (performance.now() > deadline) throw new Error(`${plan.argv.join(' ')} does not serve: ${text}`);
    // oxlint-disable-next-line no-await-in-loop -- polling.
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

/** Does the port accept a connection? */
export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({host, port});
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** A server with a handler for each connection. Resolves to its port. */
export async function serve(
  t: ExecutionContext<unknown>,
  handle: (socket: net.Socket) => void,
): Promise<number> {
  const open = new Set<net.Socket>();
  const server = net.createServer({allowHalfOpen: true}, (socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** A check of a service on loopback; its limits are for machines that are emulated and busy. */
export const checkOf = (service: string, port: number, more: Partial<CheckSpec> = {}): CheckSpec => ({
  id: `tcp 10.0.0.100:${port} > 127.0.0.1:${port}`,
  checkType: {kind: 'negotiate'},
  service,
  family: 4,
  address: '127.0.0.1',
  port,
  protocol: 'tcp',
  virtualAddress: '10.0.0.100',
  virtualPort: port,
  realPort: port,
  checkTimeout: 60_000,
  negotiateTimeout: 60_000,
  checkInterval: 1_000,
  checkCount: 1,
  failureCount: 1,
  ...more,
});

/** The probe's finding, within the check's own limit. */
export const ask = (probe: Probe, spec: CheckSpec): Promise<ProbeResult> =>
  probe(spec, spec.negotiateTimeout, systemClock);

/** Asserts that it passes with a matching reason. */
export async function passes(
  t: ExecutionContext<unknown>,
  probe: Probe,
  spec: CheckSpec,
  reason: RegExp,
): Promise<void> {
  const result = await ask(probe, spec);
  t.true(result.passed, result.reason);
  t.regex(result.reason, reason);
}

/** Asserts that it fails with a matching reason. */
export async function fails(
  t: ExecutionContext<unknown>,
  probe: Probe,
  spec: CheckSpec,
  reason: RegExp,
): Promise<ProbeResult> {
  const result = await ask(probe, spec);
  t.false(result.passed, result.reason);
  t.regex(result.reason, reason);
  return result;
}

/**
 * Resolves when the other side has closed the connection completely. After a half-close it still
 * accepts data, so this writes until that fails.
 */
export const closed = (socket: net.Socket): Promise<void> =>
  new Promise((resolve) => {
    const poke = setInterval(() => {
      if (socket.destroyed) {
        clearInterval(poke);
        resolve();
      } else socket.write('\n');
    }, POLL / 5);
  });

/**
 * The reasons that every service must give for a server that accepts and stays silent, one that hangs up, and a closed port;
 * also, the connection to the silent one is closed when the limit is reached.
 */
export async function failsOnTheDead(
  t: ExecutionContext<unknown>,
  probe: Probe,
  spec: CheckSpec,
): Promise<void> {
  const sockets: net.Socket[] = [];
  const silent = await serve(t, (socket) => sockets.push(socket.resume()));
  const limit = 200;
  await fails(t, probe, {...spec, port: silent, negotiateTimeout: limit}, /no answer within 200 ms \(/);
  t.true(sockets.length > 0);
  await Promise.all(sockets.map(closed));
  const rude = await serve(t, (socket) => socket.destroy());
  await fails(t, probe, {...spec, port: rude}, /closed|reset/);
  await fails(t, probe, {...spec, port: await freePort()}, /refused: nothing listens there/);
}
