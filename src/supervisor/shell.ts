/** Commands that the configuration names: run one after another for each name, each with a limit. */
import {spawn} from 'node:child_process';
import {accessSync, constants} from 'node:fs';
import type {Log} from './log.ts';

const LIMIT = 60_000;
const OUTPUT_MAX = 500;

/** Is there a program of this path that may be run? */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs one command line; resolves when it ended, was ended, or could not be started. */
export function runCommand(
  command: {readonly file: string; readonly words: readonly string[]; readonly name: string},
  log: Log,
  limit = LIMIT,
): Promise<void> {
  return new Promise((resolve) => {
    const {file, words, name} = command;
    // A group of its own: at the limit what the command started ends with it.
    const child = spawn(file, [...words], {detached: true, stdio: ['ignore', 'pipe', 'pipe']});
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        if (output.length < OUTPUT_MAX) output += chunk.toString();
      });
    const timer = setTimeout(() => {
      log('error', `${name} did not end within ${limit} ms: ended`);
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended just now.
      }
    }, limit);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    child.on('error', (error) => {
      log('error', `${name} cannot be run: ${error.message}`);
      done();
    });
    child.on('exit', (code, signal) => {
      // What it left in the background may hold its output open: its own end is enough.
      child.stdout.destroy();
      child.stderr.destroy();
      if (code !== 0)
        log(
          'warn',
          `${name} ended with ${signal ?? `exit status ${code}`}: ${output.trim().slice(0, OUTPUT_MAX)}`,
        );
      done();
    });
  });
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
