import {fork, type ChildProcess} from 'node:child_process';
import {endOrphans} from '@hactl/base/run';
import {backoff, type Clock, type Millis} from '@hactl/base';
import type {ProcessStatus, SpareState} from '../control/protocol.ts';
import {keepFromKernel, offerToKernel} from '../system/oom-score.ts';
import {keepOnly} from './capabilities.ts';

const PAUSE_MAX: Millis = 5_000;

export interface ChildOptions<From> extends Program {
  readonly name: string;
  /** A process started in advance. */
  readonly spare?: Spare;
  /** It is started once this is settled; until then its state is `starting`, and nothing can be sent to it. */
  readonly after?: Promise<unknown>;
  /** No spare is loaded before this is settled; absent: soon after the process. */
  readonly settled?: Promise<unknown> | undefined;
  readonly clock: Clock;
  onMessage(message: From): void;
  /** Called when it died unexpectedly, before it is restarted. */
  onDeath(how: string): void;
}

/** One of our processes, restarted whenever it dies. */
export interface Child<To> {
  /** False if there is no process to send to. */
  send(message: To): boolean;
  status(): ProcessStatus;
  readonly alive: boolean;
  /** Stops it for good: by `farewell`, after `limit` milliseconds by SIGKILL. */
  stop(farewell: To, limit: Millis): Promise<void>;
}

const ORPHANS_AFTER: Millis = 200;
/**
 * Delay before a second process is started: the two would compete for the processor, and this process is busy while it forks, when
 * the first status of a director that serves again is asked for.
 */
const SPARE_AFTER: Millis = 3_000;
const SPARE_PAUSES = {first: PAUSE_MAX, most: 600_000, stableAfter: 60_000} as const;

/** How to fork a child. */
export interface Program {
  readonly entry: string;
  readonly execArgv?: readonly string[];
  /** The only capabilities it keeps, in all its threads and programs; absent: those of this process. */
  readonly capabilities?: readonly string[];
}

/** A loaded, waiting process; its messages are kept until it is activated. */
export interface Spare {
  readonly process: ChildProcess;
  readonly messages: unknown[];
  taken: boolean;
  ended: boolean;
}

function launch({entry, execArgv = [], capabilities}: Program): ChildProcess {
  const front = capabilities === undefined ? undefined : keepOnly(capabilities);
  return fork(entry, [], {
    ...(front ? {execPath: front.program} : {}),
    execArgv: [...(front ? [...front.words, process.execPath] : []), ...execArgv],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** A child sends its first message once it has loaded its program. */
export const spareState = ({messages}: Spare): SpareState => (messages.length > 0 ? 'loaded' : 'loading');

/** Starts a process that waits to be activated by `keepChild`. */
export function makeSpareOf(
  program: Program,
  ended: () => void = () => undefined,
  loaded: () => void = () => undefined,
): Spare {
  const made: Spare = {process: launch(program), messages: [], taken: false, ended: false};
  offerToKernel(made.process.pid);
  made.process.on('message', (message) => {
    if (made.taken) return;
    made.messages.push(message);
    if (made.messages.length === 1) loaded();
  });
  const onEnd = (): void => {
    made.ended = true;
    if (!made.taken) ended();
  };
  made.process.on('exit', onEnd);
  made.process.on('error', onEnd);
  return made;
}

/**
 * Starts a child process with an IPC channel and keeps it running. A loaded, idle spare saves the start-up time when the child
 * dies: it is activated in the same turn.
 */
export function keepChild<To extends object, From>(options: ChildOptions<From>): Child<To> {
  let child: ChildProcess | undefined;
  let spare = options.spare;
  let restarts = 0;
  let stopping = false;
  let lastExit: string | undefined;
  let pause = 0;
  let sparePause = 0;
  let timer: NodeJS.Timeout | undefined;
  let spareTimer: NodeJS.Timeout | undefined;
  let heard = false;
  let begun = false;
  const waiting: (() => void)[] = [];

  const makeSpare = (): void => {
    if (stopping || spare) return;
    const madeAt = options.clock.now();
    spare = makeSpareOf(options, () => {
      spare = undefined;
      clearTimeout(spareTimer);
      // Killed again and again: there is no memory for it.
      sparePause = backoff(options.clock.now() - madeAt, sparePause, SPARE_PAUSES) || PAUSE_MAX;
      spareTimer = setTimeout(makeSpare, sparePause);
    });
  };

  const start = (): void => {
    if (stopping) return;
    begun = true;
    const startedAt = options.clock.now();
    const ready = spare && !spare.ended ? spare : undefined;
    if (ready) ready.taken = true;
    keepFromKernel(ready?.process.pid);
    spare = undefined;
    clearTimeout(spareTimer);
    const started = ready?.process ?? launch(options);
    child = started;
    void (options.settled ?? Promise.resolve()).then(() => {
      if (child === started) spareTimer = setTimeout(makeSpare, SPARE_AFTER);
    });
    heard = (ready?.messages.length ?? 0) > 0;
    started.on('message', (message) => {
      heard = true;
      options.onMessage(message as From);
    });
    let ended = false;
    const onEnd = (how: string): void => {
      if (ended) return;
      ended = true;
      child = undefined;
      lastExit = how;
      for (const resolve of waiting.splice(0)) resolve();
      if (stopping) return;
      restarts += 1;
      const lived = options.clock.now() - startedAt;
      pause = spare ? 0 : backoff(lived, pause, {most: PAUSE_MAX});
      options.onDeath(how);
      // Kill the programs it started, after the urgent work is done.
      setTimeout(endOrphans, ORPHANS_AFTER).unref();
      timer = setTimeout(start, pause);
    };
    started.on('exit', (code, signal) => onEnd(signal ?? `exit status ${code}`));
    started.on('error', (error) => onEnd(error.message));
    // The caller stores keepChild's result first. Nothing else comes before these: a loaded engine waits for its configuration.
    queueMicrotask(() => {
      for (const message of ready?.messages ?? []) options.onMessage(message as From);
    });
  };
  if (options.after) void options.after.finally(start);
  else start();

  return {
    send: (message) => {
      if (!child?.connected) return false;
      child.send(message, () => {
        /* A child that dies during a send is noticed by its exit. */
      });
      return true;
    },
    status: () => ({
      name: options.name,
      state: child ? (heard ? 'running' : 'starting') : begun ? 'dead' : 'starting',
      ...(child?.pid === undefined ? {} : {pid: child.pid}),
      restarts,
      ...(lastExit === undefined ? {} : {lastExit}),
      ...(spare && !spare.ended ? {spare: spareState(spare)} : {}),
    }),
    get alive() {
      return child !== undefined;
    },
    stop: async (farewell, limit) => {
      stopping = true;
      clearTimeout(timer);
      clearTimeout(spareTimer);
      spare?.process.kill('SIGKILL');
      const last = child;
      if (!last) return;
      const gone = new Promise<void>((resolve) => waiting.push(resolve));
      if (last.connected)
        last.send(farewell, () => {
          /* Its exit is awaited below, whether or not the message arrived. */
        });
      const killer = setTimeout(() => last.kill('SIGKILL'), limit);
      await gone;
      clearTimeout(killer);
    },
  };
}
