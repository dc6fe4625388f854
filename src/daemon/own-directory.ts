/**
 * The run and state directories are root's alone. What is in them is believed at a start: earlier versions of the configuration
 * name programs, and an interrupted push is undone by writing files. Whoever can write there is root.
 */
import {
  chmodSync,
  chownSync,
  lstatSync,
  readdirSync,
  realpathSync,
  renameSync,
  statSync,
  type Stats,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type {Log} from '../system/log.ts';

/** Write permission of the group and of everybody. */
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
/** Other programs need their modes. A directory elsewhere with such a mode is a tmpfs mounted without one: it is made ours. */
const SHARED: readonly string[] = ['/tmp', '/var/tmp', '/dev/shm', '/run/lock', os.tmpdir()];
/** A name that nothing here reads. */
const ASIDE = '.not-ours';

const isOurs = ({uid}: Stats): boolean => uid === 0 || uid === process.getuid?.();
const othersWrite = ({mode}: Stats): boolean => (mode & OTHERS_WRITE) !== 0;

/** Files that others made or can change, links, and what is neither file nor directory but a socket (those are recreated). */
function isStrange(entry: string): boolean {
  const found = lstatSync(entry);
  if (found.isSocket() || found.isDirectory()) return false;
  return !found.isFile() || !isOurs(found) || othersWrite(found);
}

function moveStrangersAside(directory: string, log: Log): void {
  for (const name of readdirSync(directory)) {
    const entry = path.join(directory, name);
    if (name.endsWith(ASIDE) || !isStrange(entry)) continue;
    renameSync(entry, entry + ASIDE);
    log(
      'error',
      `${entry} is a link, or another user made it or can change it: not used, moved to ${name}${ASIDE}`,
    );
  }
}

function take(directory: string, found: Stats, log: Log): void {
  if (!isOurs(found)) chownSync(directory, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  if (!isOurs(found) || othersWrite(found)) {
    chmodSync(directory, found.mode & 0o7777 & ~OTHERS_WRITE & ~STICKY);
    log(
      'error',
      `${directory} ${isOurs(found) ? 'could be changed by other users' : 'belonged to another user'}: it is root's alone now`,
    );
  }
}

/**
 * Makes a directory, and those below it that are named, ours: others lose their permission to write, and what they may have
 * put there is moved aside. Returns why it cannot be used at all; undefined: it can.
 */
export function ownDirectory(directory: string, below: readonly string[], log: Log): string | undefined {
  const shared = statSync(directory, {throwIfNoEntry: false});
  if (shared && SHARED.includes(realpathSync(directory)))
    return `${directory} is for everybody: give hactld a directory of its own, which only root may change`;
  for (const folder of [directory, ...below.map((name) => path.join(directory, name))]) {
    const found = folder === directory ? shared : lstatSync(folder, {throwIfNoEntry: false});
    if (!found) continue;
    try {
      if (found.isDirectory()) take(folder, found, log);
      if (found.isDirectory()) moveStrangersAside(folder, log);
      else renameSync(folder, folder + ASIDE);
    } catch (error) {
      // A read-only disk: nothing there can be changed by others either.
      log('error', `${folder} cannot be made root's alone: ${String(error)}`);
    }
  }
  return undefined;
}
