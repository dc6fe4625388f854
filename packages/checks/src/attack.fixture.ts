/** The checks process, started as by hactld, with hostile and healthy servers; each kind is a virtual service. */
import {fork, spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import type net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
import type {ExecutionContext} from 'ava';
import {kinds} from './hostile.fixture.ts';
import {PASSWORD} from './hostile-texts.fixture.ts';
import type {CheckSpec, FromChecks, Late} from './messages.ts';
import {NODE_OPTIONS} from './node-options.ts';
import {checkOf, serve} from './probes/testing.ts';

export interface Outcome {
  /** Reasons why healthy servers were judged down. */
  readonly down: readonly string[];
  /** Healthy servers that are up at the end. */
  readonly up: number;
  /** Peak unshared memory of all processes together, in megabytes. */
  readonly memory: number;
  /** The last reason of each hostile kind; undefined: no verdict yet. */
  readonly judged: ReadonlyMap<string, string | undefined>;
  /** For all checks outside quarantine, and for those of the healthy servers. */
  readonly lateness: Late;
  readonly healthy: Late;
  /** Checks in quarantine at the end. */
  readonly quarantined: readonly string[];
  readonly log: readonly string[];
}

const CHECK_LIMIT = 3_000;
/** On a busy machine, loading the processes takes long. */
const FIRST_ROUND = 60_000;

const here = (name: string): string => path.join(import.meta.dirname, name);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function privateMemory(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map(Number);
  const own = [...readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_\w+:\s*(\d+) kB$/gm)]
    .map(([, size]) => Number(size))
    .reduce((sum, size) => sum + size, 0);
  return own / 1_024 + children.map(privateMemory).reduce((sum, size) => sum + size, 0);
}

/** Attacks for `duration` ms after the first round. */
export async function attack(
  t: ExecutionContext,
  duration: number,
  only = Object.keys(kinds),
): Promise<Outcome> {
  const servers = spawn(process.execPath, [here('hostile.fixture.ts')], {stdio: ['pipe', 'pipe', 'inherit']});
  t.teardown(() => servers.kill('SIGKILL'));
  const [line] = (await once(readline.createInterface({input: servers.stdout}), 'line')) as [string];
  const ports = JSON.parse(line) as Record<string, number[]>;
  // In this process, which is idle: they answer at once.
  const answer = (socket: net.Socket): void =>
    void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'));
  ports['healthy'] = await Promise.all(Array.from({length: 20}, () => serve(t, answer)));
  const specs: CheckSpec[] = ['healthy', ...only].flatMap((kind, virtual) =>
    (ports[kind] ?? []).map((port, at) =>
      checkOf(kinds[kind]?.service ?? 'http', port, {
        id: `${kind}/${at}`,
        virtualAddress: `10.0.0.${virtual + 1}`,
        virtualPort: 80,
        receive: 'OK',
        login: 'me',
        passwd: PASSWORD,
        secret: PASSWORD,
        ...(kinds[kind]?.datagram ? {protocol: 'udp' as const} : {}),
        request: kinds[kind]?.service === 'dns' ? 'real.test' : 'SELECT 1',
        checkInterval: 1_000,
        checkTimeout: CHECK_LIMIT,
        negotiateTimeout: CHECK_LIMIT,
      }),
    ),
  );
  const checks = fork(here('main.ts'), [], {
    execArgv: [...NODE_OPTIONS],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.teardown(() => checks.kill('SIGKILL'));
  const reasons = new Map<string, string>();
  const states = new Map<string, string>();
  const [down, log]: [string[], string[]] = [[], []];
  let reported: (answer: Extract<FromChecks, {type: 'reports'}>) => void = () => undefined;
  checks.on('message', (message: FromChecks) => {
    if (message.type === 'ready') checks.send({type: 'configure', specs});
    else if (message.type === 'log') log.push(message.message);
    else if (message.type === 'verdict') {
      const {id, state, reason} = message.report;
      states.set(id, state);
      reasons.set(id, reason);
      if (id.startsWith('healthy/') && state === 'down') down.push(reason);
    } else if (message.type === 'reports') reported(message);
  });
  const end = performance.now() + FIRST_ROUND;
  // oxlint-disable-next-line no-await-in-loop -- polling.
  while (states.size < specs.length && performance.now() < end) await pause(50);
  const over = performance.now() + duration;
  let memory = 0;
  while (performance.now() < over) {
    memory = Math.max(memory, privateMemory(checks.pid ?? 0));
    // oxlint-disable-next-line no-await-in-loop -- polling.
    await pause(250);
  }
  const {lateness, services, quarantined} = await new Promise<Extract<FromChecks, {type: 'reports'}>>(
    (resolve) => {
      reported = resolve;
      checks.send({type: 'report'});
    },
  );
  return {
    down,
    up: [...states].filter(([id, state]) => id.startsWith('healthy/') && state === 'up').length,
    memory: Math.round(memory),
    judged: new Map(only.map((kind) => [kind, reasons.get(`${kind}/0`)])),
    lateness,
    healthy: services.find(({check}) => check.startsWith('healthy/')) ?? {
      p50: Infinity,
      p99: Infinity,
      max: Infinity,
    },
    quarantined,
    log,
  };
}
