/** One director per run and state directory: a second is refused before it touches anything of the first. */
import {closeSync, constants, fchmodSync, ftruncateSync, openSync, readFileSync, writeSync} from 'node:fs';
import path from 'node:path';
import {tryLock} from '@hactl/net';
import type {Log} from '../system/log.ts';
import {ORPHAN_LIMIT_MS} from '../system/limits.ts';

const LOOK_EVERY_MS = 200;

/** A lock file, and the pid in it. */
const lockFile = (directory: string): string => path.join(directory, 'hactld.lock');

/** A directory locked by another director. */
export interface Taken {
  readonly directory: string;
  /** undefined: the lock file does not say. */
  readonly pid?: number;
}

function open(file: string): number {
  try {
    return openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    // On a read-only file system an existing file can be locked anyway.
    if ((error as NodeJS.ErrnoException).code === 'EROFS') return openSync(file, 'r');
    throw error;
  }
}

function holder(directory: string): Taken {
  try {
    const pid = Number(readFileSync(lockFile(directory), 'utf8').trim());
    return pid > 0 ? {directory, pid} : {directory};
  } catch {
    return {directory};
  }
}

/** Locks one directory until this process ends. `pid` is the one users know: the launcher's. */
function lock(directory: string, pid: number, log: Log): Taken | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = open(lockFile(directory));
    if (!tryLock(descriptor)) {
      closeSync(descriptor);
      return holder(directory);
    }
  } catch (error) {
    // A full disk must not stop the service.
    log('warn', `${directory} cannot be locked against a second hactld: ${String(error)}`);
    return undefined;
  }
  try {
    fchmodSync(descriptor, 0o600);
    ftruncateSync(descriptor);
    writeSync(descriptor, `${pid}\n`, 0);
  } catch {
    // The lock works; only the pid in it is missing.
  }
  return undefined;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Locks all directories, or returns the one already locked. Waits for a supervisor without a launcher to end. */
export async function lockDirectories(
  directories: readonly string[],
  pid: number,
  log: Log,
): Promise<Taken | undefined> {
  const locked = new Set<string>();
  for (let waited = 0; ; waited += LOOK_EVERY_MS) {
    let taken: Taken | undefined;
    for (const directory of directories) {
      if (locked.has(directory)) continue;
      taken = lock(directory, pid, log);
      if (taken) break;
      locked.add(directory);
    }
    if (!taken) return undefined;
    // With the same launcher it is the previous supervisor, about to exit.
    const ends = taken.pid !== undefined && (taken.pid === pid || !isAlive(taken.pid));
    if (!ends || waited >= ORPHAN_LIMIT_MS) return taken;
    // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
