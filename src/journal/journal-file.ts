/** Keeps the journal: in memory, and in two files under the state directory that take turns. */
import {appendFile, rename, stat} from 'node:fs/promises';
import {readFileSync} from 'node:fs';
import path from 'node:path';
import type {Clock} from '@hactl/base';
import {PROTOCOL_VERSION} from '../control/protocol.ts';
import type {EventDraft, EventQuery, EventsAnswer, JournalEvent} from '../control/events.ts';
import {keep, makeEvent, parseLines, selectEvents, trim} from './journal.ts';
import type {Log} from '../system/log.ts';

/** A file this large becomes the old one, and the old one goes: ten thousand events of 250 octets fit into one. */
const FILE_LIMIT = 4 * 1024 * 1024;
/** A client that waits for news asks again after this, in ms. */
const WAIT_LIMIT = 30_000;

export interface JournalOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
  readonly stateDir: string;
  readonly fileLimit?: number;
}

export interface Journal {
  readonly record: (draft: EventDraft) => void;
  /** Reads what an earlier daemon wrote, if that was not done yet: megabytes, for which nobody's start should wait. */
  open(): void;
  /** The events of a query; with `wait`, the answer is held back until there is one, or until nobody waits (`gone`). */
  readonly answer: (query: EventQuery, gone?: AbortSignal) => Promise<EventsAnswer>;
  /** Ends when all lines are in the file. */
  close(): Promise<void>;
}

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The first start has none; one that cannot be read is no reason to serve nobody.
    return '';
  }
};

/** A journal that is read when `open` is called, or when somebody asks; what is recorded before that has its own time. */
export function openJournal(options: JournalOptions): Journal {
  const {clock, log, node} = options;
  const limit = options.fileLimit ?? FILE_LIMIT;
  const file = path.join(options.stateDir, 'journal.jsonl');
  const old = path.join(options.stateDir, 'journal.1.jsonl');

  const events: JournalEvent[] = [];
  /** Recorded before the files were read: their numbers follow on those in the files. */
  let early: EventDraft[] | undefined = [];
  let seq = 0;
  let size = 0;
  let pending: string[] = [];
  let writing: Promise<void> | undefined;
  let failed = false;
  let closing = false;
  const waiting = new Set<(event?: JournalEvent) => void>();

  function open(): void {
    if (!early) return;
    const drafts = early;
    early = undefined;
    const text = read(file);
    const {events: all, refused} = parseLines(`${read(old)}\n${text}`);
    events.push(...trim(all));
    seq = all.at(-1)?.seq ?? 0;
    size = Buffer.byteLength(text);
    // A line that a crash cut off must not swallow the next one.
    if (text !== '' && !text.endsWith('\n')) pending.push('\n');
    if (refused > 0) log('warn', `${file}: ${refused} lines are damaged or of another version; left out`);
    for (const draft of drafts) record(draft);
  }

  async function write(): Promise<void> {
    while (pending.length > 0) {
      const lines = pending.join('');
      pending = [];
      try {
        // oxlint-disable-next-line no-await-in-loop -- lines are written in order.
        if (size > limit) await rename(file, old);
        // oxlint-disable-next-line no-await-in-loop -- see above.
        await appendFile(file, lines, {mode: 0o600});
        // oxlint-disable-next-line no-await-in-loop -- see above.
        ({size} = await stat(file));
        failed = false;
      } catch (error) {
        if (!failed) log('warn', `cannot write the journal: ${String(error)}; events are kept in memory`);
        failed = true;
      }
    }
    writing = undefined;
  }

  function record(draft: EventDraft): void {
    if (early) {
      early.push({...draft, wall: draft.wall ?? clock.wall()});
      return;
    }
    seq += 1;
    const event = makeEvent(draft, {seq, node, wall: clock.wall(), mono: clock.now()});
    keep(events, event);
    pending.push(`${JSON.stringify(event)}\n`);
    writing ??= write();
    for (const look of waiting) look(event);
  }

  const answerNow = (query: EventQuery): EventsAnswer => ({
    version: PROTOCOL_VERSION,
    node,
    wall: clock.wall(),
    mono: clock.now(),
    last: seq,
    events: selectEvents(events, query),
  });

  return {
    record,
    open,
    answer: (query, gone) => {
      open();
      const now = answerNow(query);
      const wait = Math.min(query.wait ?? 0, WAIT_LIMIT);
      if (now.events.length > 0 || wait <= 0 || closing || gone?.aborted) return Promise.resolve(now);
      return new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          gone?.removeEventListener('abort', end);
          waiting.delete(look);
          resolve(answerNow(query));
        };
        // There was none before: only what is new need be looked at.
        const look = (event?: JournalEvent): void => {
          if (closing || (event && selectEvents([event], query).length > 0)) end();
        };
        const timer = setTimeout(end, wait);
        gone?.addEventListener('abort', end);
        waiting.add(look);
      });
    },
    close: async () => {
      closing = true;
      open();
      for (const wake of waiting) wake();
      await writing;
    },
  };
}
