/**
 * Starts a child that keeps root's user id but few of its capabilities. Every thread of it must lose the others, and Node has
 * started several before any of our code runs: setpriv (util-linux) drops them before it executes Node.
 */
import {spawnSync} from 'node:child_process';
import process from 'node:process';
import {SETPRIV_LIMIT_MS} from '../system/limits.ts';

const SETPRIV = '/usr/bin/setpriv';
/** By the words of setpriv: whether this machine's accepts them. */
const tried = new Map<string, boolean>();

/**
 * The program and its words in front of another that keeps only these capabilities (names as setpriv writes them). Undefined
 * where that is not possible: this process is not root, has no CAP_SETPCAP, or there is no setpriv. The child then has what this process has.
 */
export function keepOnly(
  capabilities: readonly string[],
): {readonly program: string; readonly words: readonly string[]} | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const bounding = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const words = [`--bounding-set=${bounding}`, '--inh-caps=-all', '--no-new-privs', '--'];
  const key = words.join(' ');
  let works = tried.get(key);
  if (works === undefined) {
    // A trial: a setpriv that refuses a word must not keep the child from starting.
    const {status} = spawnSync(SETPRIV, [...words, SETPRIV, '--dump'], {
      stdio: 'ignore',
      timeout: SETPRIV_LIMIT_MS,
    });
    works = status === 0;
    tried.set(key, works);
  }
  return works ? {program: SETPRIV, words} : undefined;
}
