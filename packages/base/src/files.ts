/**
 * Replaces a file atomically, safe against a power loss: the new text is synced before the rename, and the rename before this
 * returns. Not exported by the index, so that pure users of base do no I/O.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import {lstat, open, rename, rm} from 'node:fs/promises';
import path from 'node:path';

const NEW = '.hactl-new';

/** Writes the new text beside the file, readable by its owner only until it is complete. Keeps owner and group. */
export function writeBeside(file: string, text: string, mode: number): void {
  rmSync(file + NEW, {force: true});
  const descriptor = openSync(file + NEW, 'wx', 0o600);
  try {
    writeFileSync(descriptor, text);
    const before = statSync(file, {throwIfNoEntry: false});
    if (before) fchownSync(descriptor, before.uid, before.gid);
    fchmodSync(descriptor, mode);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(file + NEW, {force: true});
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Renames the file from `writeBeside`. The rename is durable only after its directory is synced. */
export const renameIntoPlace = (file: string): void => renameSync(file + NEW, file);

/** Syncs a directory, which makes a rename durable. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Opens a file to append to it, in a directory that others may write to (`/var/log` of group syslog, `/tmp`). A FIFO that
 * nobody reads is an error (ENXIO) instead of a wait without end; a link is followed only where root or this user placed it
 * (else ELOOP). Throws as the file system does.
 */
export const openToAppend = (file: string, mode: number): number =>
  openSync(file, appendFlags(lstatSync(file, {throwIfNoEntry: false})), mode);

function appendFlags(found: Stats | undefined): number {
  const {O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY} = constants;
  const follow = found?.isSymbolicLink() && (found.uid === 0 || found.uid === process.getuid?.());
  return O_APPEND | O_CREAT | O_WRONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW);
}

/** Appends to such a file, without keeping this process waiting for the disk. */
export async function appendLater(file: string, text: string, mode: number): Promise<void> {
  const handle = await open(file, appendFlags(await lstat(file).catch(() => undefined)), mode);
  try {
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
}

/** Throws the file system's error; the file is then unchanged, and no temporary file is left. */
export function replaceFile(file: string, text: string, mode: number): void {
  writeBeside(file, text, mode);
  renameIntoPlace(file);
  syncDirectory(path.dirname(file));
}

/** The same without blocking on the disk; two calls for one file must not overlap. */
export async function replaceFileLater(file: string, text: string, mode: number): Promise<void> {
  // A separate temporary name, so as not to collide with a concurrent `replaceFile`.
  const beside = `${file}${NEW}-later`;
  try {
    await rm(beside, {force: true});
    const handle = await open(beside, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
    const directory = await open(path.dirname(file), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    await rm(beside, {force: true});
    throw error;
  }
}
