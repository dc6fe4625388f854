/** Runs resource scripts as heartbeat does: `status` first, then `start` or `stop`, with the line's arguments. */
import {execFile} from 'node:child_process';
import {accessSync, constants} from 'node:fs';
import path from 'node:path';
import type {Resource, ResourceGroup} from '@hactl/config';
import type {Log} from './log.ts';
import {resourceKind, scriptsAfterAddress, scriptsBeforeAddress, stopOrder} from './resources.ts';

/** A script that takes longer is ended and counts as failed. */
const SCRIPT_LIMIT = 60_000;
const STOP_ATTEMPTS = 10;

export interface ScriptOptions {
  readonly configDir: string;
  readonly log: Log;
}

interface Outcome {
  readonly status: number | string;
  readonly output: string;
}

const run = (file: string, words: readonly string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(file, [...words], {timeout: SCRIPT_LIMIT, killSignal: 'SIGKILL'}, (error, stdout, stderr) => {
      const status = error === null ? 0 : (error.code ?? error.signal ?? 1);
      resolve({status, output: `${stdout}${stderr}`.trim()});
    });
  });

/** heartbeat reads the words of `status`: "not running" is no, "running" or "OK" is yes, anything else is no. */
export function saysRunning(output: string): boolean {
  if (/not running/i.test(output)) return false;
  return /running|\bok\b/i.test(output);
}

const find = (configDir: string, name: string): string | undefined =>
  [path.join(configDir, 'resource.d', name), path.join('/etc/init.d', name)].find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Names of scripts of a group that do not exist: said when the file is loaded, not at takeover time. */
export function missingScripts(group: ResourceGroup, configDir: string): string[] {
  return group.resources
    .filter((resource) => resourceKind(resource) === 'script' && find(configDir, resource.type) === undefined)
    .map((resource) => resource.type);
}

async function start(resource: Resource, options: ScriptOptions): Promise<string | undefined> {
  const file = find(options.configDir, resource.type);
  if (file === undefined)
    return `${resource.type}: no such script in ${options.configDir}/resource.d or /etc/init.d`;
  if (saysRunning((await run(file, [...resource.args, 'status'])).output)) return undefined;
  options.log('info', `running ${file} ${resource.args.join(' ')} start`);
  const {status, output} = await run(file, [...resource.args, 'start']);
  return status === 0 ? undefined : `${resource.type} start ended with ${status}: ${output}`;
}

async function stop(resource: Resource, options: ScriptOptions): Promise<string | undefined> {
  const file = find(options.configDir, resource.type);
  if (file === undefined) return undefined;
  let last: Outcome | undefined;
  for (let attempt = 0; attempt < STOP_ATTEMPTS; attempt += 1) {
    // oxlint-disable-next-line no-await-in-loop -- attempts follow one another.
    last = await run(file, [...resource.args, 'stop']);
    if (last.status === 0) return undefined;
  }
  return `${resource.type} stop ended with ${last?.status} ${STOP_ATTEMPTS} times: ${last?.output}`;
}

/** Starts what stands before the addresses (`start`) or behind them (`start-late`), or stops all, right to left. */
export async function runScripts(
  group: ResourceGroup,
  action: 'start' | 'start-late' | 'stop',
  options: ScriptOptions,
): Promise<{ok: boolean; reason: string}> {
  const scripts =
    action === 'start'
      ? scriptsBeforeAddress(group)
      : action === 'start-late'
        ? scriptsAfterAddress(group)
        : stopOrder(group).filter((resource) => resourceKind(resource) === 'script');
  for (const resource of scripts) {
    // oxlint-disable-next-line no-await-in-loop -- the order of haresources is a promise.
    const problem = await (action === 'stop' ? stop(resource, options) : start(resource, options));
    if (problem === undefined) continue;
    options.log('error', problem);
    if (action !== 'stop') return {ok: false, reason: problem};
  }
  return {ok: true, reason: `${scripts.length} scripts ran`};
}
