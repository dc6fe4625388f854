/**
 * ha.cf's `respawn USER /PATH ARGUMENTS…`: a program of the administrator's beside the director, started when the pair's
 * communication is up, started again when it ends, ended with the director. `failfast` is the same, and its end sends
 * the groups to the peer (heartbeat restarts the machine).
 */
import type {ChildProcess} from 'node:child_process';
import type {Clock, Instant} from '@hactl/base';
import {endGroup, startProgram} from '@hactl/base/run';
import type {HaConfig} from '@hactl/config';
import {TERM_GRACE_MS} from '../system/limits.ts';
import type {Log} from '../system/log.ts';
import {shownCommand, withoutArguments} from '../system/shown.ts';
import {findUser} from '../system/users.ts';

type Line = HaConfig['respawns'][number];

/** heartbeat's: a program that ends with it is not wanted any more. */
const DONE = 100;
/** More starts than this within the window, and it is left alone. */
const MOST = 10;
const WINDOW = 30_000;
/** A program that ends at once must not keep the machine busy. */
const PAUSE = 100;

/** What to do about a program that ended. Pure. `starts`: when it was started again before now. */
export function afterEnd(
  starts: readonly Instant[],
  status: number | string,
  now: Instant,
): {readonly next: 'start' | 'done' | 'too-fast'; readonly starts: readonly Instant[]} {
  if (status === DONE) return {next: 'done', starts};
  const recent = [...starts.filter((at) => now - at < WINDOW), now];
  return {next: recent.length > MOST ? 'too-fast' : 'start', starts: recent};
}

interface Running {
  readonly line: Line;
  child?: ChildProcess;
  timer?: NodeJS.Timeout;
  starts: readonly Instant[];
  wanted: boolean;
}

export interface RespawnOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** A failfast program ended. */
  readonly failedFast: (reason: string) => void;
}

/** Keeps the programs running. Nothing is started before `up`. */
export function keepRespawns({clock, log, failedFast}: RespawnOptions): {
  configure(lines: readonly Line[]): void;
  up(): void;
  stop(): Promise<void>;
} {
  let all: Running[] = [];
  let isUp = false;
  const same = (one: Line, other: Line): boolean =>
    one.user === other.user &&
    one.failfast === other.failfast &&
    JSON.stringify(one.command) === JSON.stringify(other.command);

  function start(one: Running): void {
    const {command, user: name, failfast} = one.line;
    const [file = '', ...words] = command;
    const told = `respawn ${shownCommand(command)}`;
    const user = findUser(name);
    if (!user) return log('error', `${told}: there is no user ${name}`);
    const child = startProgram(file, words, {user});
    one.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) =>
        log('info', `${told}: ${withoutArguments(chunk.toString().trim(), command)}`),
      );
    let ended = false;
    const onEnd = (status: number | string): void => {
      if (ended) return;
      ended = true;
      delete one.child;
      if (!one.wanted) return;
      const {next, starts} = afterEnd(one.starts, status, clock.now());
      one.starts = starts;
      if (next === 'done') return log('info', `${told} ended with ${DONE}: it is not started again`);
      if (failfast) failedFast(`${told} ended with ${status}`);
      if (next === 'too-fast')
        return log(
          'error',
          `${told} ended with ${status}: respawning too fast (more than ${MOST} times within ${WINDOW / 1_000} s), left alone until a reload`,
        );
      log('warn', `${told} ended with ${status}: starting it again`);
      one.timer = setTimeout(() => start(one), PAUSE);
    };
    child.on('error', (error) => onEnd(error.message));
    child.on('exit', (code, signal) => onEnd(signal ?? code ?? 1));
  }

  /** SIGTERM, and SIGKILL where that is not heard. */
  function end(one: Running): Promise<void> {
    one.wanted = false;
    clearTimeout(one.timer);
    const {child} = one;
    if (child?.pid === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      child.on('exit', () => {
        // What it started and left behind ends with it.
        endGroup(child, 0);
        resolve();
      });
      endGroup(child, TERM_GRACE_MS);
    });
  }

  return {
    configure: (lines) => {
      // A reload gives those that were left alone another chance.
      const kept = all.filter((one) => one.child && lines.some((line) => same(line, one.line)));
      for (const one of all) if (!kept.includes(one)) void end(one);
      all = lines.map((line) => kept.find((one) => same(one.line, line)) ?? {line, starts: [], wanted: true});
      if (isUp) for (const one of all) if (!one.child) start(one);
    },
    up: () => {
      if (isUp) return;
      isUp = true;
      for (const one of all) start(one);
    },
    stop: async () => {
      isUp = false;
      await Promise.all(all.map(end));
    },
  };
}
