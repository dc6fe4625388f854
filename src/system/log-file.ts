/**
 * One log file: appended to, rotated, opened again when it was moved away, and tried again while it cannot be written.
 * winston's own file transport gives up a file at its first error and has no way to open it again.
 */
import {closeSync, existsSync, fstatSync, renameSync, rmSync, write, writeSync} from 'node:fs';
import path from 'node:path';
import {openToAppend} from '@hactl/base/files';

/** Root and the file's group may read: logs name hosts, users and what failed. */
const MODE = 0o640;
/** Five files of 10 MB. */
const SIZE_MAX = 10 * 1024 * 1024;
const FILES_MAX = 5;
/** A full disk or a directory that is missing is retried after so long. */
const RETRY_MS = 30_000;
/** What waits for a slow disk; more is dropped, and that is reported. */
const WAITING_MAX = 1024 * 1024;

export interface LogFileOptions {
  readonly retry?: number;
  readonly sizeMax?: number;
  /** Called when lines cannot be written, and again when they can. */
  readonly changed: (problem: string | undefined) => void;
}

export interface LogFile {
  append(line: string): void;
  /** Closes the file and opens what has its name now: after a rename by logrotate. */
  reopen(): void;
  /** Writes what waits, without a pause, and closes. */
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
  /** Opened again once the write that is going on is over: closed before, its number could be another file's. */
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
      // It was lost before.
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

  /** Lines of one turn are one write; a close in the same turn finds them all here, in their order. */
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
      // A write that is going on has the old descriptor: it goes to the file that was moved away, and loses nothing.
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
        // Said before, or there is nobody left to tell.
      }
    },
  };
}
