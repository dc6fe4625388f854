/** Keeps the journal in memory and in two pairs of files under the state directory. */
import path from 'node:path';
import type {Clock} from '@hactl/base';
import {PROTOCOL_VERSION} from '../control/protocol.ts';
import type {EventDraft, EventQuery, EventsAnswer, JournalEvent} from '../control/events.ts';
import {isBulk, keep, makeEvent, parseLines, selectEvents, trim} from './journal.ts';
import {openPair} from './journal-pair.ts';
import type {Log} from '../system/log.ts';
import {EVENTS_WAIT_LIMIT_MS} from '../system/limits.ts';

/** Maximum size of a file in octets: room for ten thousand events of 250 octets. */
const FILE_LIMIT = 4 * 1024 * 1024;

export interface JournalOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly node: string;
  readonly stateDir: string;
  readonly fileLimit?: number;
}

export interface Journal {
  readonly record: (draft: EventDraft) => void;
  /** Reads the files of an earlier daemon, once: they are megabytes, which must not delay the start. */
  open(): void;
  /** The events of a query; with `wait`, resolves when there is one or when the client has left (`gone`). */
  readonly answer: (query: EventQuery, gone?: AbortSignal) => Promise<EventsAnswer>;
  /** Ends when all lines are in the file. */
  close(): Promise<void>;
}

/** A journal whose files are read by `open` or by the first query; events recorded before keep their own time. */
export function openJournal(options: JournalOptions): Journal {
  const {clock, log, node} = options;
  const limit = options.fileLimit ?? FILE_LIMIT;
  const pair = (name: string) => {
    const file = path.join(options.stateDir, `${name}.jsonl`);
    const failed = (error: unknown): void =>
      log('warn', `cannot write the journal: ${String(error)}; events are kept in memory`);
    return openPair({file, old: path.join(options.stateDir, `${name}.1.jsonl`), limit, failed});
  };
  const [lasting, bulk] = [pair('journal'), pair('journal-bulk')];

  const events: JournalEvent[] = [];
  /** Recorded before the files were read: numbered after the events in the files. */
  let early: EventDraft[] | undefined = [];
  let seq = 0;
  let closing = false;
  const waiting = new Set<(event?: JournalEvent) => void>();

  function open(): void {
    if (!early) return;
    const drafts = early;
    early = undefined;
    const parts = [lasting, bulk].map((files) => parseLines(files.read()));
    const all = parts.flatMap((part) => part.events).toSorted((left, right) => left.seq - right.seq);
    const refused = parts.reduce((sum, part) => sum + part.refused, 0);
    events.push(...trim(all));
    seq = all.at(-1)?.seq ?? 0;
    if (refused > 0)
      log('warn', `the journal in ${options.stateDir} has ${refused} lines that are damaged or from another version; skipped`); // prettier-ignore
    for (const draft of drafts) record(draft);
  }

  function record(draft: EventDraft): void {
    if (early) {
      early.push({...draft, wall: draft.wall ?? clock.wall()});
      return;
    }
    seq += 1;
    const event = makeEvent(draft, {seq, node, wall: clock.wall(), mono: clock.now()});
    keep(events, event);
    (isBulk(event.kind) ? bulk : lasting).append(`${JSON.stringify(event)}\n`);
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
      const wait = Math.min(query.wait ?? 0, EVENTS_WAIT_LIMIT_MS);
      if (now.events.length > 0 || wait <= 0 || closing || gone?.aborted) return Promise.resolve(now);
      return new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          gone?.removeEventListener('abort', end);
          waiting.delete(look);
          resolve(answerNow(query));
        };
        // Nothing matched before: only new events need searching.
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
      await Promise.all([lasting.written(), bulk.written()]);
    },
  };
}
