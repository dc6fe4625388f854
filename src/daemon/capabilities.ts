/**
 * Starts a child as root with only a few capabilities. Every thread must lose the others, and Node starts several before any
 * of our code runs: setpriv (util-linux) drops them before it executes Node.
 */
import {spawnSync} from 'node:child_process';
import process from 'node:process';
import {SETPRIV_LIMIT_MS} from '../system/limits.ts';

const SETPRIV = '/usr/bin/setpriv';
/** By setpriv arguments: whether this machine's setpriv accepts them. */
const tried = new Map<string, boolean>();

/**
 * The command to prefix so that a program keeps only these capabilities (in setpriv's spelling). Undefined if that is
 * impossible: this process is not root, lacks CAP_SETPCAP, or there is no setpriv. The child then inherits all capabilities.
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
    // A trial run: a setpriv that rejects an argument must not keep the child from starting.
    const {status} = spawnSync(SETPRIV, [...words, SETPRIV, '--dump'], {
      stdio: 'ignore',
      timeout: SETPRIV_LIMIT_MS,
    });
    works = status === 0;
    tried.set(key, works);
  }
  return works ? {program: SETPRIV, words} : undefined;
}
