/** A check process: started, configured once it is ready, restarted by its owner. */
import {fork, type ChildProcess} from 'node:child_process';
import os from 'node:os';
import type {Millis} from '@hactl/base';
import {shardEnvironment} from './environment.ts';
import type {Carried, CheckSpec, Costs, FromShard, ToShard} from './messages.ts';

/** A shard that ran this long is restarted at once, others after a pause that doubles. */
const STABLE_AFTER: Millis = 5_000;
const PAUSE_FIRST: Millis = 50;
const PAUSE_MAX: Millis = 5_000;
/** The nice value of a quarantine: the other processes get nine tenths of a shared processor. */
const NICE = 10;
const NICEST = 19;

/** A quarantine's garbage is collected early: it has time, and what it reads is large. */
const FRUGAL = ['--max-semi-space-size=1'];

export interface Shard {
  readonly name: string;
  readonly costs: Costs;
  process: ChildProcess | undefined;
  startedAt: number;
  /** Its last process became ready. */
  ready: boolean;
  pause: Millis;
  timer?: NodeJS.Timeout | undefined;
  specs: readonly CheckSpec[];
  /** Checks of other processes that it takes over once it is ready, by id. */
  readonly adopting: Map<string, Carried>;
  /** It has no work left and is not restarted. */
  retired: boolean;
  /** The user it switches to: sent before anything else. */
  become?: Extract<ToShard, {type: 'become'}>;
}

export interface ShardEvents {
  readonly message: (shard: Shard, message: FromShard) => void;
  /** The process ended; the listener decides whether to restart it. */
  readonly ended: (shard: Shard, how: string) => void;
}

export function newShard(name: string, costs: Costs, events: ShardEvents): Shard {
  const shard: Shard = {
    name,
    costs,
    process: undefined,
    startedAt: 0,
    ready: false,
    pause: 0,
    specs: [],
    adopting: new Map(),
    retired: false,
  };
  startShard(shard, events);
  return shard;
}

export function startShard(shard: Shard, events: ShardEvents): void {
  shard.startedAt = performance.now();
  shard.ready = false;
  const child = fork(process.argv[1] ?? '', ['shard'], {
    execArgv: shard.costs === 'quarantine' ? [...process.execArgv, ...FRUGAL] : process.execArgv,
    env: shardEnvironment(process.env),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  shard.process = child;
  if (shard.costs === 'quarantine' && child.pid !== undefined) lowerPriority(child.pid);
  child.on('message', (message: FromShard) => events.message(shard, message));
  let ended = false;
  const onEnd = (how: string): void => {
    if (ended) return;
    ended = true;
    shard.process = undefined;
    events.ended(shard, how);
  };
  child.on('exit', (code, signal) => onEnd(signal ?? `exit status ${code}`));
  child.on('error', (error) => onEnd(error.message));
}

function lowerPriority(pid: number): void {
  try {
    os.setPriority(pid, Math.min(NICEST, os.getPriority() + NICE));
  } catch {
    // It may have ended already. Without the lower priority its budget still applies.
  }
}

/** Restarts it, after a pause if it did not run long. */
export function restartShard(shard: Shard, events: ShardEvents): void {
  const lived = performance.now() - shard.startedAt;
  shard.pause =
    lived > STABLE_AFTER ? 0 : Math.min(PAUSE_MAX, shard.pause === 0 ? PAUSE_FIRST : shard.pause * 2);
  shard.timer = setTimeout(() => startShard(shard, events), shard.pause);
}

export function tell(shard: Shard, message: ToShard): void {
  // Before it is ready it cannot receive messages; it gets the whole configuration then.
  if (!shard.ready || !shard.process?.connected) return;
  shard.process.send(message, () => {
    /* The exit event reports a shard that dies during a send. */
  });
}

/** Ends a shard without checks. */
export function retire(shard: Shard): void {
  shard.retired = true;
  clearTimeout(shard.timer);
  // The shard exits when its channel closes.
  if (shard.process?.connected) shard.process.disconnect();
}
