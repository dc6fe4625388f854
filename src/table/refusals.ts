/** Table entries that the kernel refuses: each is retried alone without delaying the others. Pure. */
import {doubling, type Instant} from '@hactl/base';
import type {Operation} from '@hactl/ipvs';
import {entryOf} from './entries.ts';

/** The result of one operation; `error`: why the kernel refused it. */
export interface Outcome {
  readonly operation: Operation;
  readonly error?: string;
  /** The table had changed since it was read. */
  readonly differs?: true;
}

export interface Refusal {
  readonly operation: Operation;
  readonly reason: string;
  readonly since: Instant;
  readonly tries: number;
  readonly retryAt: Instant;
}

/** By entry. */
export type Refusals = ReadonlyMap<string, Refusal>;

const RETRY = {first: 1_000, most: 60_000};

/** Records another refusal of an entry. */
export function refusedAgain(
  before: Refusal | undefined,
  {operation, error = ''}: Outcome,
  now: Instant,
): Refusal {
  const tries = (before?.tries ?? 0) + 1;
  return {
    operation,
    reason: error,
    since: before?.since ?? now,
    tries,
    retryAt: now + doubling(tries, RETRY),
  };
}

/** The entries that the kernel has now accepted. */
export const accepted = (refusals: Refusals, done: readonly Operation[]): readonly Refusal[] =>
  done.flatMap((operation) => refusals.get(entryOf(operation)) ?? []);

/** Drops entries that are no longer wanted. */
export function stillWanted(refusals: Refusals, operations: readonly Operation[]): Refusals {
  if (refusals.size === 0) return refusals;
  const wanted = new Set(operations.map(entryOf));
  return new Map([...refusals].filter(([entry]) => wanted.has(entry)));
}

export const retryAt = (refusals: Refusals): Instant =>
  Math.min(Infinity, ...[...refusals.values()].map((refusal) => refusal.retryAt));
