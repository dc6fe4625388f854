/** One running ldirectord: its file's resolved path is its identity, so that two names of one file are one instance. */
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {candidatePaths} from '@hactl/config';
import type {Paths} from '../../system/paths.ts';

export interface Instance {
  /** The configuration file, links followed. */
  readonly file: string;
  /** The file is there. */
  readonly exists: boolean;
  readonly runDir: string;
  readonly stateDir: string;
  readonly pidFile: string;
}

/** A missing file may still have a daemon: its former name is tried in the same order. */
function resolveFile(config: string, paths: Paths): {file: string; exists: boolean} {
  const candidates = candidatePaths(config, paths.configDir).map((file) => path.resolve(file));
  const existing = candidates.find((file) => existsSync(file));
  if (existing !== undefined) return {file: realpathSync(existing), exists: true};
  const running = candidates.find((file) => existsSync(instanceOf(file, false, paths).pidFile));
  return {file: running ?? candidates[0] ?? config, exists: false};
}

function instanceOf(file: string, exists: boolean, paths: Paths): Instance {
  const name = createHash('sha256').update(file).digest('hex').slice(0, 12);
  const runDir = path.join(paths.runDir, 'ldirectord', name);
  return {
    file,
    exists,
    runDir,
    stateDir: path.join(paths.stateDir, 'ldirectord', name),
    pidFile: path.join(runDir, 'ldirectord.pid'),
  };
}

export function findInstance(config: string, paths: Paths): Instance {
  const {file, exists} = resolveFile(config, paths);
  return instanceOf(file, exists, paths);
}

export type Running =
  | {readonly state: 'running'; readonly pid: number}
  | {readonly state: 'stopped'}
  /** The pid file exists, its process does not. */
  | {readonly state: 'stale'};

/** The process counts only if it is ours: the pid may have been reused. */
export function readPidFile({pidFile}: Instance): Running {
  let pid: number;
  try {
    pid = Number(readFileSync(pidFile, 'utf8'));
  } catch {
    return {state: 'stopped'};
  }
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    if (/hactld/.test(command)) return {state: 'running', pid};
  } catch {
    // No such process.
  }
  return {state: 'stale'};
}

/** Claims the instance for a process. False: another process was faster. */
export function acquire({pidFile, runDir}: Instance, pid: number): boolean {
  mkdirSync(runDir, {recursive: true, mode: 0o750});
  try {
    writeFileSync(pidFile, `${pid}\n`, {flag: 'wx'});
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

export const release = ({pidFile}: Instance): void => rmSync(pidFile, {force: true});
