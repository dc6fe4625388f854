/** Commands that the configuration names: run one after another for each name, each with a limit. */
import {spawn} from 'node:child_process';
import {accessSync, constants} from 'node:fs';
import {signalGroup} from '@hactl/base';
import type {Log} from './log.ts';

const LIMIT = 60_000;
const OUTPUT_MAX = 500;
/** How long the output of a program that has ended is waited for, milliseconds. */
const DRAIN = 50;
const UNSTARTED = 'cannot be run';

/** Is there a program of this path that may be run? */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface RunOptions {
  readonly limit: number;
  readonly env?: NodeJS.ProcessEnv;
}

export interface RunOutcome {
  /** The exit status, a signal's name, or why it could not be run. */
  readonly status: number | string;
  /** Both its outputs, trimmed. */
  readonly output: string;
  readonly timedOut: boolean;
}

/**
 * Runs one program to its end, in a group of its own: at the limit what it started ends with it. What it leaves in the
 * background may hold its output open: it is read on, and not waited for.
 */
export function runLimited(
  file: string,
  words: readonly string[],
  {limit, env}: RunOptions,
): Promise<RunOutcome> {
  return new Promise((resolve) => {
    const child = spawn(file, [...words], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(env === undefined ? {} : {env}),
    });
    let output = '';
    let timedOut = false;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        if (output.length < OUTPUT_MAX) output += chunk.toString();
      });
    const timer = setTimeout(() => {
      timedOut = true;
      signalGroup(child, 'SIGKILL');
    }, limit);
    const done = (status: number | string): void => {
      clearTimeout(timer);
      resolve({status, output: output.trim().slice(0, OUTPUT_MAX), timedOut});
    };
    child.on('error', (error) => done(`${UNSTARTED}: ${error.message}`));
    child.on('close', (code, signal) => done(signal ?? code ?? 1));
    // Its own last words are in the pipe when it ends, perhaps not yet read: a timer that is due comes before the pipes.
    child.on('exit', (code, signal) =>
      setTimeout(() => setImmediate(() => done(signal ?? code ?? 1)), DRAIN),
    );
  });
}

/** Runs one command line and says when it fails; resolves when it ended, was ended, or could not be started. */
export async function runCommand(
  command: {readonly file: string; readonly words: readonly string[]; readonly name: string},
  log: Log,
  limit = LIMIT,
): Promise<void> {
  const {file, words, name} = command;
  const {status, output, timedOut} = await runLimited(file, words, {limit});
  if (timedOut) log('error', `${name} did not end within ${limit} ms: ended`);
  else if (typeof status === 'number') {
    if (status !== 0) log('warn', `${name} ended with exit status ${status}: ${output}`);
  } else if (status.startsWith(UNSTARTED)) log('error', `${name} ${status}`);
  else log('warn', `${name} ended with ${status}: ${output}`);
}

/** Keeps the commands of one name in order; different names do not wait for one another. */
export function makeCommandQueue(log: Log): {
  shell(name: string, line: string): Promise<void>;
  idle(): Promise<void>;
} {
  const last = new Map<string, Promise<void>>();
  return {
    shell: (name, line) => {
      const run = (last.get(name) ?? Promise.resolve()).then(() => {
        log('info', `running ${line}`);
        return runCommand({file: '/bin/sh', words: ['-c', line], name: line}, log);
      });
      last.set(name, run);
      return run;
    },
    idle: async () => {
      await Promise.all(last.values());
    },
  };
}
