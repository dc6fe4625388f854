/** The journal in memory: a bounded list of events, its search, and its lines in the file. Pure. */
import {
  eventKinds,
  type EventDraft,
  type EventKind,
  type EventQuery,
  type JournalEvent,
} from '../control/events.ts';

/** Number of events kept in memory. */
export const EVENTS_KEPT = 10_000;
/** A script may print more than anyone reads here; the log has all of it. */
const TEXT_LIMIT = 500;
/** Events removed at a time: trimming a long list at every event would cost more than the event. */
const SLACK = 1_000;

/** Turns a draft into the stored event. */
export function makeEvent(
  draft: EventDraft,
  stamp: {readonly seq: number; readonly node: string; readonly wall: number; readonly mono: number},
): JournalEvent {
  const {kind, level, subject, data} = draft;
  const wall = draft.wall ?? stamp.wall;
  const mono = stamp.mono - (stamp.wall - wall);
  const text = draft.text.length > TEXT_LIMIT ? `${draft.text.slice(0, TEXT_LIMIT - 1)}…` : draft.text;
  return {
    v: 1,
    seq: stamp.seq,
    wall,
    mono: Math.round(mono * 1_000) / 1_000,
    node: stamp.node,
    kind,
    level,
    subject,
    text,
    ...(data === undefined ? {} : {data}),
  };
}

/**
 * Kinds that come in bulk (ten thousand real servers failing together, strangers on the network) must not evict what happened
 * to the pair: in memory they are dropped first, and they have their own files.
 */
const bulk: ReadonlySet<EventKind> = new Set<EventKind>(['check', 'table', 'stranger', 'address']);
export const isBulk = (kind: EventKind): boolean => bulk.has(kind);

/** Trims to `limit` events; the oldest of the bulk kinds go first. */
export function trim(events: readonly JournalEvent[], limit = EVENTS_KEPT): readonly JournalEvent[] {
  const over = events.length - limit;
  if (over <= 0) return events;
  const dropped = new Set(events.filter(({kind}) => bulk.has(kind)).slice(0, over));
  return events.filter((event) => !dropped.has(event)).slice(over - dropped.size);
}

/** Adds an event and drops others when there are too many. */
export function keep(events: JournalEvent[], event: JournalEvent, limit = EVENTS_KEPT): void {
  events.push(event);
  if (events.length >= limit + Math.min(SLACK, limit)) events.splice(0, Infinity, ...trim(events, limit));
}

/** The newest events that match a query, oldest first. */
export function selectEvents(events: readonly JournalEvent[], query: EventQuery): JournalEvent[] {
  const {since = -Infinity, after = -Infinity, kinds, match} = query;
  const limit = query.limit ?? EVENTS_KEPT;
  const wanted = kinds && new Set<EventKind>(kinds);
  const part = match?.toLowerCase();
  const found: JournalEvent[] = [];
  for (let index = events.length - 1; index >= 0 && found.length < limit; index -= 1) {
    const event = events[index] as JournalEvent;
    // Numbers only grow, but the wall clock may have been set back, so times are searched in full.
    if (event.seq <= after) break;
    if (event.wall < since || wanted?.has(event.kind) === false) continue;
    if (part !== undefined && !`${event.subject}\n${event.text}`.toLowerCase().includes(part)) continue;
    found.push(event);
  }
  return found.toReversed();
}

const isEvent = (value: unknown): value is JournalEvent => {
  if (typeof value !== 'object' || value === null) return false;
  const event = value as Partial<JournalEvent>;
  return (
    event.v === 1 &&
    Number.isSafeInteger(event.seq) &&
    Number.isFinite(event.wall) &&
    Number.isFinite(event.mono) &&
    typeof event.node === 'string' &&
    typeof event.text === 'string' &&
    typeof event.subject === 'string' &&
    typeof event.kind === 'string' &&
    event.kind in eventKinds
  );
};

/** Reads lines of a journal file. A line cut by a crash, or of another version, is counted and skipped. */
export function parseLines(text: string): {events: JournalEvent[]; refused: number} {
  const events: JournalEvent[] = [];
  const lines = text.split('\n').filter((line) => line !== '');
  for (const line of lines) {
    try {
      const value: unknown = JSON.parse(line);
      const last = events.at(-1)?.seq ?? 0;
      if (isEvent(value) && value.seq > last) events.push(value);
    } catch {
      // Cut by a crash.
    }
  }
  return {events, refused: lines.length - events.length};
}
