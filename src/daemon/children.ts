/** The three child processes, and the requests that await their answers. */
import type {Clock, Millis} from '@hactl/base';
import type {FromChecks, ToChecks} from '@hactl/checks';
import type {FromEngine, ToEngine} from '@hactl/failover';
import type {FromSync, ToSync} from '@hactl/sync';
import type {ProcessStatus} from '../control/protocol.ts';
import {keepChild, type Child, type Spare} from './child.ts';
import type {CoreEvent} from './core.ts';
import {programs, type ChildName} from './programs.ts';
import {gateReadiness, makeSyncBarrier} from './sync-barrier.ts';
import {CHILD_STOP_LIMIT_MS, ENGINE_STATUS_LIMIT_MS, ENGINE_STOP_LIMIT_MS} from '../system/limits.ts';

/** The others start at the latest so long after the engine was started. */
const ENGINE_FIRST_MS: Millis = 500;

export interface Children {
  /** undefined: there is no pair. */
  readonly engine: Child<ToEngine> | undefined;
  readonly checks: Child<ToChecks>;
  readonly sync: Child<ToSync>;
  /** Sends to the engine; readiness passes the sync barrier first, because the engine may take an address back at once. */
  toEngine(message: ToEngine): void;
  /** Before a planned move: waits, with a short limit, until both kernels have every connection. */
  passBarrier(): Promise<void>;
  /** Sends a request to the engine and waits for the answer with the same id; undefined: it timed out. */
  askEngine(make: (id: number) => ToEngine, limit: Millis): Promise<FromEngine | undefined>;
  /** The engine's unsolicited reports are up to half a second old. */
  freshStatus(): Promise<void>;
  /** Checks report changes unasked; the time of the last check only on request. */
  freshReports(): Promise<void>;
  status(): readonly ProcessStatus[];
  stopEngine(): Promise<void>;
  stopOthers(): Promise<void>;
}

export function startChildren(options: {
  readonly clock: Clock;
  readonly pair: boolean;
  /** Children started in advance. */
  readonly pool: ReadonlyMap<string, Spare> | undefined;
  readonly feed: (event: CoreEvent) => void;
  /** The director serves, or has had time to: loading spares delays it no more. */
  readonly settled: Promise<unknown> | undefined;
}): Children {
  const {clock, feed} = options;
  const answers = new Map<number, (message: FromEngine) => void>();
  const reported: (() => void)[] = [];
  let lastId = 0;

  let engineAnswers = (): void => undefined;
  /** Starting a process takes time of this one and of the processor. An address waits for the engine only. */
  const engineServes = new Promise<void>((resolve) => {
    engineAnswers = resolve;
    if (options.pair) setTimeout(resolve, ENGINE_FIRST_MS).unref();
    else resolve();
  });

  const child = (name: ChildName) => {
    const spare = options.pool?.get(name);
    return {
      name,
      clock,
      settled: options.settled,
      ...programs[name],
      ...(spare ? {spare} : name === 'failover' ? {} : {after: engineServes}),
      onDeath: (how: string) => feed({type: 'child-died', name, how}),
    };
  };
  // The first: an address waits for it.
  const engine = options.pair
    ? keepChild<ToEngine, FromEngine>({
        ...child('failover'),
        onMessage: (message) => {
          feed({type: 'engine', message});
          if (message.type === 'status' || message.type === 'transition') engineAnswers();
          if ('id' in message) answers.get(message.id)?.(message);
        },
      })
    : undefined;
  const checks = keepChild<ToChecks, FromChecks>({
    ...child('checks'),
    onMessage: (message) => {
      feed({type: 'checks', message});
      if (message.type === 'reports') for (const resolve of reported.splice(0)) resolve();
    },
  });
  let peerHeard = false;
  const sync = keepChild<ToSync, FromSync>({
    ...child('sync'),
    onMessage: (message) => {
      if (message.type === 'barrier-done') return barrier.onDone(message);
      if (message.type === 'status') peerHeard = message.status.report?.peer ?? false;
      feed({type: 'sync', message});
    },
  });
  const barrier = makeSyncBarrier((message) => sync.send(message));
  const passBarrier = async (): Promise<void> => {
    // Without a peer there is nothing to wait for.
    const problem = peerHeard ? await barrier.pass() : undefined;
    if (problem === undefined) return;
    const message = `the address moves without the newest connections: ${problem}`;
    feed({type: 'sync', message: {type: 'log', level: 'warn', message}});
  };
  const tellReadiness = gateReadiness<ToEngine & {readonly type: 'readiness'}>(passBarrier, (message) => {
    engine?.send(message);
  });
  const askEngine: Children['askEngine'] = (make, limit) =>
    new Promise((resolve) => {
      lastId += 1;
      const id = lastId;
      const finish = (message: FromEngine | undefined): void => {
        clearTimeout(timer);
        answers.delete(id);
        resolve(message);
      };
      const timer = setTimeout(() => finish(undefined), limit);
      answers.set(id, finish);
      if (!engine?.send(make(id))) finish(undefined);
    });

  // The configuration is another than when they were started.
  for (const spare of options.pool?.values() ?? []) if (!spare.taken) spare.process.kill('SIGKILL');

  return {
    engine,
    checks,
    sync,
    toEngine: (message) => {
      if (message.type === 'readiness') tellReadiness(message);
      else engine?.send(message);
    },
    passBarrier,
    askEngine,
    freshStatus: async () => {
      if (engine?.status().state === 'running')
        await askEngine((id) => ({type: 'status', id}), ENGINE_STATUS_LIMIT_MS);
    },
    freshReports: () =>
      new Promise((resolve) => {
        // A child that has not sent anything yet would not answer in time.
        if (checks.status().state !== 'running' || !checks.send({type: 'report'})) return resolve();
        const timer = setTimeout(resolve, ENGINE_STATUS_LIMIT_MS);
        reported.push(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
    status: () => [engine, checks, sync].flatMap((child) => (child ? [child.status()] : [])),
    stopEngine: async () => {
      await passBarrier();
      await engine?.stop({type: 'stop'}, ENGINE_STOP_LIMIT_MS);
    },
    stopOthers: async () => {
      await Promise.all([
        checks.stop({type: 'stop'}, CHILD_STOP_LIMIT_MS),
        sync.stop({type: 'stop'}, CHILD_STOP_LIMIT_MS),
      ]);
    },
  };
}
