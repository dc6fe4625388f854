/**
 * Replaces a file in one step that survives a power loss: the new text is on the disk before it gets the name, and the
 * name before this returns. Apart from the index: what only computes with base does no I/O.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {open, rename, rm} from 'node:fs/promises';
import path from 'node:path';

const NEW = '.hactl-new';

/** Writes the new text beside the file: for its owner alone until it is complete. Owner and group stay what they are. */
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

/** Gives what `writeBeside` wrote its name. It stays only once its directory is synced. */
export const takeName = (file: string): void => renameSync(file + NEW, file);

/** Syncs a directory: a rename survives a power loss only then. */
export function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Throws as the file system does; then the file is as it was, and nothing is left beside it. */
export function replaceFile(file: string, text: string, mode: number): void {
  writeBeside(file, text, mode);
  takeName(file);
  syncDirectory(path.dirname(file));
}

/** The same without keeping this process waiting for the disk; of two for one file the caller awaits the first. */
export async function replaceFileLater(file: string, text: string, mode: number): Promise<void> {
  // A name of its own: one written meanwhile by `replaceFile` must not be taken away under it.
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
