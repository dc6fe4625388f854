/** The journal's types: what the supervisor records, and how it is queried. Version 1, like every `--json` document. */
import type {Instant, WallTime} from '@hactl/base';

/** What an event is about: the arguments of `hactl events --kind`. */
export const eventKinds = {
  role: 'a group changed its role here, with the reason',
  peer: 'the other director was heard, is late, or is dead',
  path: 'one heartbeat path went deaf or works again; rejected datagrams',
  ping: 'a ping node stopped answering, or answers again',
  address: 'a virtual address could not be set, vanished, or is used by another machine',
  resource: 'the scripts of a group ran, or failed',
  check: 'a real server was found up or down',
  table: 'a change of the IPVS table',
  sync: 'connection sync: phases, problems',
  ready: 'this director may, or may not, take over by choice',
  config: 'a reload, or files that cannot be loaded',
  operator: 'a command of hactl, with its outcome',
  process: 'a process of hactl ended, or the engine had to pause',
  daemon: 'hactld started or stopped',
  stranger: 'a host that is not the peer was refused; one line a minute per source',
} as const;

export type EventKind = keyof typeof eventKinds;
export type EventLevel = 'error' | 'warn' | 'info';

/** What happened, as reported by its source. The text names the subject, so it can be read on its own. */
export interface EventDraft {
  readonly kind: EventKind;
  readonly level: EventLevel;
  readonly subject: string;
  readonly text: string;
  readonly data?: Readonly<Record<string, string | number | boolean>>;
  /** When it happened, if not just now. */
  readonly wall?: WallTime;
}

/** One line of the journal. `seq` increases by one, across restarts too; `mono` is CLOCK_MONOTONIC of the node, in ms. */
export interface JournalEvent {
  readonly v: 1;
  readonly seq: number;
  readonly wall: WallTime;
  readonly mono: Instant;
  readonly node: string;
  readonly kind: EventKind;
  readonly level: EventLevel;
  readonly subject: string;
  readonly text: string;
  readonly data?: Readonly<Record<string, string | number | boolean>>;
}

/** A query for events; all conditions must hold. */
export interface EventQuery {
  /** Not older than this wall-clock time. */
  readonly since?: WallTime;
  /** Only those with a greater number. */
  readonly after?: number;
  readonly kinds?: readonly EventKind[];
  /** A substring of the subject or of the text, ignoring case. */
  readonly match?: string;
  /** Maximum number of events, the newest first to be kept. */
  readonly limit?: number;
  /** If there is none, wait this many milliseconds for one. */
  readonly wait?: number;
}

/** The answer: the newest `limit` events, oldest first. */
export interface EventsAnswer {
  readonly version: number;
  readonly node: string;
  /** This director's clocks at the time of the answer, to align both directors' events. */
  readonly wall: WallTime;
  readonly mono: Instant;
  /** The newest number in the journal, to continue from. */
  readonly last: number;
  readonly events: readonly JournalEvent[];
}
