/** State, events and effects of the joining side of a resync. Pure. */
import type {Digest, ResyncMessage, SyncPhase} from './resync-wire.ts';

export interface JoinerOptions {
  /** After this many ms without progress, or ten times as many without an end, the verdict is 'deadline'; the transfer continues. */
  readonly deadline: number;
  /** Interval between comparisons once the tables are in sync, in ms. */
  readonly compareEvery: number;
}

export const joinerDefaults: JoinerOptions = {deadline: 30_000, compareEvery: 5_000};

export type Chunk = ResyncMessage & {readonly type: 'chunk'};

export type JoinerEvent =
  /** A new peer, or an operator's request (`whole`: including entries that seem to be here already). */
  | {readonly type: 'start'; readonly whole?: boolean}
  | {readonly type: 'message'; readonly message: ResyncMessage}
  /** The kernel has these chunks' connections. */
  | {readonly type: 'injected'; readonly numbers: readonly number[]; readonly session: number}
  | {readonly type: 'tick'};

export type JoinerEffect =
  | {readonly type: 'send'; readonly message: ResyncMessage}
  | {readonly type: 'inject'; readonly chunk: Chunk}
  | {readonly type: 'verdict'; readonly inSync: boolean; readonly took: number; readonly rounds: number};

type Step = 'idle' | 'chunks' | 'groups' | 'buckets';

export interface Joiner {
  phase: SyncPhase;
  step: Step;
  session: number;
  round: number;
  startedAt: number;
  askedAt: number;
  heardAt: number;
  /** When the donor last sent something for it, or connections went into the kernel. */
  progressAt: number;
  settled: boolean;
  /** All chunks below are injected. */
  next: number;
  readonly received: Set<number>;
  readonly injected: Set<number>;
  /** Number of the round's last chunk, once received. */
  lastNumber: number | undefined;
  ackDue: boolean;
  /** Groups whose buckets are needed, and those already requested. */
  readonly groups: Set<number>;
  readonly asked: Set<number>;
  /** The donor's digests of buckets that differ in this round, and in the one before. */
  differing: Map<number, Digest>;
  before: Map<number, Digest>;
  /** A repair's chunks, until the kernel has them. */
  readonly repairs: Map<number, Chunk>;
  /** Buckets of which the repair delivered an entry that is not here. */
  readonly lacking: Set<number>;
  /** Buckets that have everything the donor sent for the digest it had then, and our own digest. */
  readonly covered: Map<number, Digest>;
  missing: number;
  repaired: number;
}

export const makeJoiner = (session: number): Joiner => ({
  phase: 'waiting',
  step: 'idle',
  session,
  round: 0,
  startedAt: 0,
  askedAt: 0,
  heardAt: 0,
  progressAt: 0,
  settled: false,
  next: 0,
  received: new Set(),
  injected: new Set(),
  lastNumber: undefined,
  ackDue: false,
  groups: new Set(),
  asked: new Set(),
  differing: new Map(),
  before: new Map(),
  repairs: new Map(),
  lacking: new Set(),
  covered: new Map(),
  missing: 0,
  repaired: 0,
});

export const send = (out: JoinerEffect[], message: ResyncMessage): void => {
  out.push({type: 'send', message});
};

/** Whether work is pending before the next comparison: the driver should tick often. */
export const joinerBusy = (joiner: Joiner): boolean =>
  joiner.step !== 'idle' || joiner.phase === 'compare' || joiner.phase === 'transfer';
