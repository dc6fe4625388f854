/**
 * ha.cf's `respawn USER /PATH ARGUMENTS…`: a program that runs beside the director: started when the pair communicates,
 * restarted when it ends, stopped with the director. With `failfast` its end also moves the groups to the peer (heartbeat
 * reboots the machine).
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

/** heartbeat's convention: a program that exits with it is not restarted. */
const DONE = 100;
/** After more starts than this within the window it is left alone. */
const MOST = 10;
const WINDOW = 30_000;
/** Delay before a restart: a program that ends at once must not keep the machine busy. */
const PAUSE = 100;

/** Decides what to do about a program that ended. Pure. `starts`: times of earlier restarts. */
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
  const same = (left: Line, right: Line): boolean =>
    left.user === right.user &&
    left.failfast === right.failfast &&
    JSON.stringify(left.command) === JSON.stringify(right.command);

  function start(program: Running): void {
    const {command, user: name, failfast} = program.line;
    const [file = '', ...words] = command;
    const label = `respawn ${shownCommand(command)}`;
    const user = findUser(name);
    if (!user) return log('error', `${label}: there is no user ${name}`);
    const child = startProgram(file, words, {user});
    program.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) =>
        log('info', `${label}: ${withoutArguments(chunk.toString().trim(), command)}`),
      );
    let ended = false;
    const onEnd = (status: number | string): void => {
      if (ended) return;
      ended = true;
      delete program.child;
      if (!program.wanted) return;
      const {next, starts} = afterEnd(program.starts, status, clock.now());
      program.starts = starts;
      if (next === 'done') return log('info', `${label} ended with ${DONE}: not restarted`);
      if (failfast) failedFast(`${label} ended with ${status}`);
      if (next === 'too-fast')
        return log(
          'error',
          `${label} ended with ${status}: respawning too fast (more than ${MOST} times within ${WINDOW / 1_000} s), left alone until a reload`,
        );
      log('warn', `${label} ended with ${status}: restarting it`);
      program.timer = setTimeout(() => start(program), PAUSE);
    };
    child.on('error', (error) => onEnd(error.message));
    child.on('exit', (code, signal) => onEnd(signal ?? code ?? 1));
  }

  /** SIGTERM, then SIGKILL if it is ignored. */
  function end(program: Running): Promise<void> {
    program.wanted = false;
    clearTimeout(program.timer);
    const {child} = program;
    if (child?.pid === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      child.on('exit', () => {
        // Kills what it started and left behind.
        endGroup(child, 0);
        resolve();
      });
      endGroup(child, TERM_GRACE_MS);
    });
  }

  return {
    configure: (lines) => {
      // A reload retries those that were left alone.
      const kept = all.filter((program) => program.child && lines.some((line) => same(line, program.line)));
      for (const program of all) if (!kept.includes(program)) void end(program);
      all = lines.map(
        (line) => kept.find((program) => same(program.line, line)) ?? {line, starts: [], wanted: true},
      );
      if (isUp) for (const program of all) if (!program.child) start(program);
    },
    up: () => {
      if (isUp) return;
      isUp = true;
      for (const program of all) start(program);
    },
    stop: async () => {
      isUp = false;
      await Promise.all(all.map(end));
    },
  };
}
