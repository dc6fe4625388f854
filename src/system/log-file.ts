/**
 * One log file: appended to, rotated, reopened after logrotate moved it, and retried while it cannot be written. winston's
 * own file transport gives up at the first error and cannot reopen a file.
 */
import {closeSync, existsSync, fstatSync, renameSync, rmSync, write, writeSync} from 'node:fs';
import path from 'node:path';
import {openToAppend} from '@hactl/base/files';

/** Readable by root and the file's group: logs contain hosts, users and failures. */
const MODE = 0o640;
/** Five files of 10 MB. */
const SIZE_MAX = 10 * 1024 * 1024;
const FILES_MAX = 5;
/** Retry interval after an error such as a full disk or a missing directory. */
const RETRY_MS = 30_000;
/** Maximum characters queued for a slow disk; more is dropped and reported. */
const WAITING_MAX = 1024 * 1024;

export interface LogFileOptions {
  readonly retry?: number;
  readonly sizeMax?: number;
  /** Called when lines can no longer be written, and when they can again. */
  readonly changed: (problem: string | undefined) => void;
}

export interface LogFile {
  append(line: string): void;
  /** Reopens the file by name, after a rename by logrotate. */
  reopen(): void;
  /** Flushes the queue synchronously and closes. */
  close(): void;
}

/** `ha.log`, `ha1.log`, … */
function numbered(file: string, index: number): string {
  const {dir, name, ext} = path.parse(file);
  return index === 0 ? file : path.join(dir, `${name}${index}${ext}`);
}

export function openLogFile(file: string, options: LogFileOptions): LogFile {
  const {retry = RETRY_MS, sizeMax = SIZE_MAX, changed} = options;
  let descriptor: number | undefined;
  let size = 0;
  let waiting = '';
  let dropped = 0;
  let writing = false;
  /** Reopen after the write in progress: if closed earlier, the descriptor could be reused for another file. */
  let stale = false;
  let soon = false;
  let problem: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  const say = (next: string | undefined): void => {
    if ((next === undefined) === (problem === undefined)) return;
    problem = next;
    changed(next);
  };

  const drop = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };

  function failed(error: unknown): void {
    try {
      drop();
    } catch {
      // Already closed or invalid.
    }
    say((error as NodeJS.ErrnoException).code ?? String(error));
    timer ??= setTimeout(() => {
      timer = undefined;
      flush();
    }, retry).unref();
  }

  function open(): number {
    if (descriptor !== undefined) return descriptor;
    const made = openToAppend(file, MODE);
    descriptor = made;
    ({size} = fstatSync(made));
    return made;
  }

  function rotate(): void {
    drop();
    rmSync(numbered(file, FILES_MAX - 1), {force: true});
    for (let index = FILES_MAX - 2; index >= 0; index -= 1)
      if (existsSync(numbered(file, index))) renameSync(numbered(file, index), numbered(file, index + 1));
  }

  /** Empties the queue; reports how many lines were dropped. */
  const drain = (): Buffer => {
    const notice = dropped === 0 ? '' : `(${dropped} lines could not be written and are lost)\n`;
    const text = Buffer.from(notice + waiting);
    [waiting, dropped] = ['', 0];
    return text;
  };

  function flush(): void {
    if (writing || timer || (waiting === '' && dropped === 0)) return;
    try {
      if (size >= sizeMax) rotate();
      const to = open();
      const text = drain();
      writing = true;
      write(to, text, (error, written) => {
        writing = false;
        if (stale) drop();
        stale = false;
        size += written ?? 0;
        if (error) {
          waiting = text.subarray(written ?? 0).toString() + waiting;
          failed(error);
        } else {
          say(undefined);
          flush();
        }
      });
    } catch (error) {
      failed(error);
    }
  }

  /** The lines of an event-loop turn are one write; a close in the same turn flushes them all, in order. */
  function flushSoon(): void {
    if (soon) return;
    soon = true;
    setImmediate(() => {
      soon = false;
      flush();
    });
  }

  return {
    append: (line) => {
      if (waiting.length + line.length > WAITING_MAX) dropped += 1;
      else waiting += `${line}\n`;
      flushSoon();
    },
    reopen: () => {
      clearTimeout(timer);
      timer = undefined;
      // A write in progress keeps the old descriptor: it goes to the renamed file, and nothing is lost.
      if (!writing) drop();
      else stale = true;
      flush();
    },
    close: () => {
      clearTimeout(timer);
      try {
        if (waiting !== '') writeSync(open(), drain());
        drop();
      } catch {
        // Already reported, or nobody is left to report to.
      }
    },
  };
}
