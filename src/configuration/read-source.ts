/** Alone in its file: commands read configuration files without all that the daemon loads. */
import {closeSync, fstatSync, openSync, readFileSync, realpathSync} from 'node:fs';

/**
 * A file's text and permission bits, both of the file that was opened: its name may be another's a moment later. undefined:
 * there is no such file.
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
