/** `hactl console`: hactl-console's own command line; without words, its state. */
import {spawnSync} from 'node:child_process';
import {programFile} from '../../system/programs.ts';
import {exit} from '../exit.ts';

/** Returns the exit status. */
export function runConsoleProgram(words: readonly string[]): number {
  const chosen = words.length === 0 ? ['status'] : words;
  const {status} = spawnSync(process.execPath, [programFile('hactl-console'), ...chosen], {stdio: 'inherit'});
  return status ?? exit.failed;
}
