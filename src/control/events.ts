/** The journal's types: what the supervisor remembers, and how it is queried. Version 1, as every `--json` document. */
import type {Instant, WallTime} from '@hactl/base';

/** What an event is about; `hactl events --kind` takes these words. */
export const eventKinds = {
  role: 'a group changed its role here, with the reason',
  peer: 'the other director was heard, is late, or is dead',
  path: 'one heartbeat path went deaf or works again; datagrams that were refused',
  ping: 'a ping node stopped answering, or answers again',
  address: 'a virtual address could not be set, vanished, or is claimed by somebody else',
  resource: 'the scripts of a group ran, or failed',
  check: 'a real server was found up or down',
  table: 'a change of the IPVS table',
  sync: 'connection sync: phases, problems',
  ready: 'this director may, or may not, take over by choice',
  config: 'a reload, or files that cannot be loaded',
  operator: 'a command of hactl, with its outcome',
  process: 'a process of hactl ended, or the engine had to pause',
  daemon: 'hactld started or stopped',
  stranger: 'somebody who is not the peer was refused; one line a minute for each source',
} as const;

export type EventKind = keyof typeof eventKinds;
export type EventLevel = 'error' | 'warn' | 'info';

/** What happened, as reported by its source. The text names the subject: it is read on its own. */
export interface EventDraft {
  readonly kind: EventKind;
  readonly level: EventLevel;
  readonly subject: string;
  readonly text: string;
  readonly data?: Readonly<Record<string, string | number | boolean>>;
  /** When it happened, if that was not just now. */
  readonly wall?: WallTime;
}

/** One line of the journal. `seq` grows by one, over restarts too; `mono` is CLOCK_MONOTONIC of the node, in ms. */
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

/** Which events are wanted; all conditions must hold. */
export interface EventQuery {
  /** Not older than this wall-clock time. */
  readonly since?: WallTime;
  /** Only those with a greater number. */
  readonly after?: number;
  readonly kinds?: readonly EventKind[];
  /** A substring of the subject or of the text, ignoring case. */
  readonly match?: string;
  /** The newest so many. */
  readonly limit?: number;
  /** When there is none: wait so many milliseconds for one. */
  readonly wait?: number;
}

/** The answer: the newest `limit` events, oldest first. */
export interface EventsAnswer {
  readonly version: number;
  readonly node: string;
  /** This director's clocks at the answer: the other's events are put on one scale with them. */
  readonly wall: WallTime;
  readonly mono: Instant;
  /** The newest number of the whole journal, to go on from. */
  readonly last: number;
  readonly events: readonly JournalEvent[];
}
