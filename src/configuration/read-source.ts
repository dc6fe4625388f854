/** Alone in its file: commands read configuration files without all that the daemon loads. */
import {readFileSync, realpathSync, statSync} from 'node:fs';

/** A file's text and permission bits; undefined when there is no such file. */
export function readSource(path: string): {text: string; mode: number; realPath: string} | undefined {
  try {
    return {
      text: readFileSync(path, 'utf8'),
      mode: statSync(path).mode & 0o7777,
      realPath: realpathSync(path),
    };
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw error;
  }
}
