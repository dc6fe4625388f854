/** Two rotating files: lines are appended to the first; when it is full it replaces the second. */
import {readFileSync} from 'node:fs';
import {rename, stat} from 'node:fs/promises';
import {appendLater} from '@hactl/base/files';

export interface FilePair {
  /** The lines of both, oldest first. */
  read(): string;
  /** Appends lines in order; lines that cannot be written are lost, and `failed` is called once. */
  append(line: string): void;
  /** Ends when all lines are in the file. */
  written(): Promise<void>;
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The first start has no file; an unreadable one must not keep the director from serving.
    return '';
  }
};

/** `limit`: octets after which the files rotate. */
export function openPair(options: {
  readonly file: string;
  readonly old: string;
  readonly limit: number;
  readonly failed: (error: unknown) => void;
}): FilePair {
  const {file, old, limit} = options;
  let size = 0;
  let pending: string[] = [];
  let writing: Promise<void> | undefined;
  let failing = false;

  async function write(): Promise<void> {
    while (pending.length > 0) {
      const lines = pending.join('');
      pending = [];
      try {
        // oxlint-disable-next-line no-await-in-loop -- lines are written in order.
        if (size > limit) await rename(file, old);
        // oxlint-disable-next-line no-await-in-loop -- see above.
        await appendLater(file, lines, 0o600);
        // oxlint-disable-next-line no-await-in-loop -- see above.
        ({size} = await stat(file));
        failing = false;
      } catch (error) {
        if (!failing) options.failed(error);
        failing = true;
      }
    }
    writing = undefined;
  }

  const append = (line: string): void => {
    pending.push(line);
    writing ??= write();
  };

  return {
    read: () => {
      const text = textOf(file);
      size = Buffer.byteLength(text);
      // A line that a crash cut off must not swallow the next one.
      if (text !== '' && !text.endsWith('\n')) append('\n');
      return `${textOf(old)}\n${text}`;
    },
    append,
    written: async () => {
      await writing;
    },
  };
}
