/** The processes that check: started, told what counts once they are ready, restarted by whoever keeps them. */
import {fork, type ChildProcess} from 'node:child_process';
import os from 'node:os';
import type {Millis} from '@hactl/base';
import {shardEnvironment} from './environment.ts';
import type {Carried, CheckSpec, Costs, FromShard, ToShard} from './messages.ts';

/** A shard that lived this long is restarted at once, others after a pause that doubles. */
const STABLE_AFTER: Millis = 5_000;
const PAUSE_FIRST: Millis = 50;
const PAUSE_MAX: Millis = 5_000;
/** A quarantine is nicer by this: the others have nine tenths of a processor that they share with it. */
const NICE = 10;
const NICEST = 19;

/** A quarantine's garbage is collected early: it has time, and what it reads is large. */
const FRUGAL = ['--max-semi-space-size=1'];

export interface Shard {
  readonly name: string;
  readonly costs: Costs;
  process: ChildProcess | undefined;
  startedAt: number;
  /** Its last process was ready. */
  ready: boolean;
  pause: Millis;
  timer?: NodeJS.Timeout | undefined;
  specs: readonly CheckSpec[];
  /** Checks of other processes that it goes on with once it is ready, by id. */
  readonly adopting: Map<string, Carried>;
  /** It has no work any more, and is not restarted. */
  retired: boolean;
  /** The user it becomes: sent before anything else. */
  become?: Extract<ToShard, {type: 'become'}>;
}

export interface ShardEvents {
  readonly message: (shard: Shard, message: FromShard) => void;
  /** The process ended; whoever hears it decides whether it is started again. */
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
    // It may have ended already. At the same priority it still has its budget.
  }
}

/** Starts it again: after a pause when it did not live long. */
export function restartShard(shard: Shard, events: ShardEvents): void {
  const lived = performance.now() - shard.startedAt;
  shard.pause =
    lived > STABLE_AFTER ? 0 : Math.min(PAUSE_MAX, shard.pause === 0 ? PAUSE_FIRST : shard.pause * 2);
  shard.timer = setTimeout(() => startShard(shard, events), shard.pause);
}

export function tell(shard: Shard, message: ToShard): void {
  // Before it is ready it would not hear; then it is told all that counts.
  if (!shard.ready || !shard.process?.connected) return;
  shard.process.send(message, () => {
    /* A shard that dies under a send is seen by its exit. */
  });
}

/** Ends a shard that has nothing to check any more. */
export function retire(shard: Shard): void {
  shard.retired = true;
  clearTimeout(shard.timer);
  // It sees the end of its channel.
  if (shard.process?.connected) shard.process.disconnect();
}
