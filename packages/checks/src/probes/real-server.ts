/** For tests: Debian's own servers as children on loopback, each in a folder of its own; ended with the tests. */
import {spawn, spawnSync} from 'node:child_process';
import dgram from 'node:dgram';
import {
  chmodSync,
  chownSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {signalGroup} from '@hactl/base';
import {accepts} from './testing.ts';

/** A server that is not ready by then has failed; generous, for emulated machines. */
const START_LIMIT = 200_000;
/** For probes that should pass: not part of any verdict. */
export const AMPLE = 60_000;
/** For probes of silent servers. */
export const SHORT = 300;
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

export interface Server {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** The path of a program: on PATH, or in Debian's sbin and PostgreSQL folders. */
export function programPath(name: string): string {
  const folders = [
    ...(process.env['PATH'] ?? '').split(':'),
    '/usr/sbin',
    ...globSync('/usr/lib/postgresql/*/bin'),
  ];
  const found = folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is not on this machine: see test/lab/server-packages.ts`);
  return found;
}

/** A folder for one server, with its files; `nobody` for a server that refuses to run as root. */
export function scratch(files: Readonly<Record<string, string>>, nobody = false): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-server-'));
  chmodSync(folder, 0o755);
  for (const [name, text] of Object.entries(files))
    writeFileSync(path.join(folder, name), text, {mode: name === 'key.pem' ? 0o600 : 0o644});
  if (nobody && isRoot)
    for (const name of ['.', ...Object.keys(files)]) chownSync(path.join(folder, name), NOBODY, NOBODY);
  return folder;
}

/** The command, run as nobody if asked for, and killed by the kernel if the tests end first. */
function guarded(argv: readonly string[], nobody: boolean): string[] {
  const [name = '', ...words] = argv;
  const identity = nobody && isRoot ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
  return ['setpriv', '--pdeathsig=KILL', ...identity, programPath(name), ...words];
}

/** Runs a setup command to its end, with a file of the folder as its input. */
export function prepare(argv: readonly string[], folder: string, nobody = false, input?: string): void {
  const [command = '', ...words] = guarded(argv, nobody);
  const {status, stdout, stderr} = spawnSync(command, words, {
    cwd: folder,
    encoding: 'utf8',
    timeout: START_LIMIT,
    ...(input === undefined ? {} : {input: readFileSync(path.join(folder, input))}),
  });
  if (status === 0) return;
  rmSync(folder, {recursive: true, force: true});
  throw new Error(`${argv.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
}

/** A self-signed certificate and its key, as files for `scratch`. */
export function certificate(name = 'www.example.org'): {'cert.pem': string; 'key.pem': string} {
  const folder = scratch({});
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`];
  prepare(['openssl', ...words, '-keyout', key, '-out', cert], folder);
  const files = {'cert.pem': readFileSync(cert, 'utf8'), 'key.pem': readFileSync(key, 'utf8')};
  rmSync(folder, {recursive: true});
  return files;
}

interface Manner {
  /** Is it ready? Else: when its port accepts. */
  readonly ready?: (log: string) => boolean | Promise<boolean>;
  /** It refuses to run as root. */
  readonly nobody?: boolean;
  /** The signal that ends it at once. */
  readonly end?: NodeJS.Signals;
}

/** Starts a server that stays in the foreground; resolves when it is ready. Its folder is removed with it. */
export async function startServer(
  argv: readonly string[],
  folder: string,
  port: number,
  {ready = () => accepts(port), nobody = false, end = 'SIGTERM'}: Manner = {},
): Promise<Server> {
  const [command = '', ...words] = guarded(argv, nobody);
  const child = spawn(command, words, {cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe']});
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log = `${log}${text}`.slice(-20_000)));
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let running = true;
  child.once('exit', () => (running = false));
  const stop = async (): Promise<void> => {
    // The parent ends its children outside this process group too (PostgreSQL's); SIGKILL ends the rest.
    signalGroup(child, end);
    await Promise.race([gone, sleep(3_000, undefined, {ref: false})]);
    signalGroup(child, 'SIGKILL');
    await gone;
    rmSync(folder, {recursive: true, force: true});
  };
  const limit = performance.now() + START_LIMIT;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- polling.
    if (running && (await ready(log))) return {port, stop};
    if (!running || performance.now() > limit) {
      // oxlint-disable-next-line no-await-in-loop -- the loop ends here.
      await stop();
      throw new Error(`${argv.join(' ')} ${running ? 'is not ready' : 'ended'}:\n${log}`);
    }
    // oxlint-disable-next-line no-await-in-loop -- polling with a deadline.
    await sleep(50);
  }
}

/** A server that accepts, reads and stays silent; `left` resolves when its client has closed. */
export async function silentServer(): Promise<Server & {readonly left: Promise<void>}> {
  const sockets = new Set<net.Socket>();
  let hear = (): void => undefined;
  const left = new Promise<void>((resolve) => (hear = resolve));
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', hear);
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address() as net.AddressInfo;
  const stop = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => void server.close(() => resolve()));
  };
  return {port, stop, left};
}

/** A UDP server that answers with `reply` of a datagram, or stays silent; `heard` counts the datagrams. */
export async function datagramServer(
  reply: (datagram: Buffer) => Buffer | undefined = () => undefined,
): Promise<Server & {readonly heard: () => number}> {
  const socket = dgram.createSocket('udp4');
  let heard = 0;
  socket.on('message', (datagram, {port, address}) => {
    heard += 1;
    const answer = reply(datagram);
    if (answer) socket.send(answer, port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    port: socket.address().port,
    stop: () => new Promise((resolve) => void socket.close(() => resolve())),
    heard: () => heard,
  };
}
