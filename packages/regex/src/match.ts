/**
 * Matching with a limit. An expression such as `(a+)+$` takes years on the wrong answer, and the checks process has one
 * thread for all checks. Expressions that are cheap by their form are matched directly, others under a deadline enforced by V8.
 */
import {types} from 'node:util';
import vm from 'node:vm';
import type {Millis} from '@hactl/base';
import {mostSteps} from './match-cost.ts';

/** V8 takes about a millisecond for this many steps; a deadline costs a fifth of that (measured). */
const DIRECT_STEPS = 4.5e6;
/** Time limit of a match; an expression that exceeded it gets half as long the next time, down to LEAST. */
const MOST: Millis = 50;
const LEAST: Millis = 5;
/** Retries of a match, because time in which this thread did not run must not count. */
const TRIES = 5;

/** The match was given up; its message is a reason. */
export class SlowMatch extends Error {
  override name = 'SlowMatch';
}

const limits = new Map<string, Millis>();
const LIMITS_MAX = 1_000;

const script = new vm.Script('pattern.test(text)');
/** One, made for the first expression that needs it: most directors have none, and it takes milliseconds of a start. */
const sandboxes: vm.Context[] = [];
function openSandbox(): vm.Context {
  const [sandbox = vm.createContext({pattern: /x/, text: ''})] = sandboxes;
  if (sandboxes.length === 0) sandboxes.push(sandbox);
  return sandbox;
}

/** An error from the sandbox, which has its own `Error`. */
const isTimeout = (error: unknown): boolean =>
  types.isNativeError(error) && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/** Is it cheap by its form on a text of this length? The largest page that is read (1 MiB), with a plain expression, is. */
export const isCheap = (pattern: RegExp, length: number): boolean =>
  mostSteps(pattern, length) <= DIRECT_STEPS;

/** Whether the text matches. Throws a SlowMatch if that cannot be decided in time. */
export function matches(pattern: RegExp, text: string): boolean {
  if (isCheap(pattern, text.length)) return pattern.test(text);
  const sandbox = openSandbox();
  const limit = limits.get(pattern.source) ?? MOST;
  for (let tries = 1; ; tries += 1) {
    const before = process.threadCpuUsage();
    Object.assign(sandbox, {pattern, text});
    try {
      const found = script.runInContext(sandbox, {timeout: limit}) === true;
      if (limit < MOST) remember(pattern, limit + 1);
      return found;
    } catch (error) {
      if (!isTimeout(error)) throw error;
      const {user, system} = process.threadCpuUsage(before);
      const ran = (user + system) / 1_000 > limit / 2;
      if (!ran && tries < TRIES) continue;
      remember(pattern, Math.max(LEAST, Math.round(limit / 2)));
      throw new SlowMatch(
        `the expression takes more than ${limit} ms on an answer of ${text.length} characters: given up`,
      );
    } finally {
      Object.assign(sandbox, {text: ''});
    }
  }
}

function remember({source}: RegExp, limit: Millis): void {
  if (limit >= MOST) limits.delete(source);
  else {
    if (limits.size >= LIMITS_MAX) limits.clear();
    limits.set(source, limit);
  }
}
