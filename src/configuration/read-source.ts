/** In a file of its own so that commands can read configuration files without loading the daemon's code. */
import {closeSync, fstatSync, openSync, readFileSync, realpathSync} from 'node:fs';

/**
 * A file's text and permission bits, both from the opened file: the name may point to another file a moment later. undefined:
 * no such file.
 */
export function readSource(path: string): {text: string; mode: number; realPath: string} | undefined {
  try {
    const descriptor = openSync(path, 'r');
    try {
      return {
        mode: fstatSync(descriptor).mode & 0o7777,
        text: readFileSync(descriptor, 'utf8'),
        realPath: realpathSync(path),
      };
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw error;
  }
}
