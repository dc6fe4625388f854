/** Runs configured commands: sequentially per name, each with a time limit. */
import {accessSync, constants} from 'node:fs';
import {programEnvironment, runLimited} from '@hactl/base/run';
import {COMMAND_LIMIT_MS} from './limits.ts';
import type {Log} from './log.ts';
import {shownCommand, withoutArguments} from './shown.ts';

/** Whether an executable program exists at this path. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs a command line and logs a failure; resolves when it exited, was killed, or could not be started. */
export async function runCommand(
  command: {readonly file: string; readonly words: readonly string[]; readonly name: string},
  log: Log,
  limit = COMMAND_LIMIT_MS,
): Promise<void> {
  const {file, words, name} = command;
  // A callback or fallback command may start a daemon, which must survive.
  const env = programEnvironment({}, {leave: true});
  const outcome = await runLimited(file, words, {limit, env});
  const {status, timedOut, unstarted} = outcome;
  const output = withoutArguments(outcome.output, words.join(' '));
  if (timedOut) log('error', `${name} did not end within ${limit} ms: ended`);
  else if (unstarted) log('error', `${name} cannot be run: ${status}`);
  else if (typeof status === 'number') {
    if (status !== 0) log('warn', `${name} ended with exit status ${status}: ${output}`);
  } else log('warn', `${name} ended with ${status}: ${output}`);
}

/** Runs the commands of one name in order; different names run concurrently. */
export function makeCommandQueue(log: Log): {
  shell(name: string, line: string): Promise<void>;
  idle(): Promise<void>;
} {
  const last = new Map<string, Promise<void>>();
  return {
    shell: (name, line) => {
      const run = (last.get(name) ?? Promise.resolve()).then(() => {
        const shown = `${shownCommand(line)} for ${name}`;
        log('info', `running ${shown}`);
        return runCommand({file: '/bin/sh', words: ['-c', line], name: shown}, log);
      });
      last.set(name, run);
      return run;
    },
    idle: async () => {
      await Promise.all(last.values());
    },
  };
}
