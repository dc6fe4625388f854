/**
 * Endings that the peer may have missed. One message ends a connection at the peer: lost on the wire, before a session or in
 * the peer's kernel, it would leave the connection there until its own time-out, up to 15 minutes. So each is sent again,
 * while it is still true. Pure.
 */
import type {Millis} from '@hactl/base';

/** Waits before the second and the third time. */
const AGAIN: readonly Millis[] = [3_000, 15_000];
/** The oldest are forgotten beyond this: about 3 MB. */
const QUEUE_MAX = 20_000;
/** Entries sent again at a time. */
const BATCH = 1_000;

interface Sent {
  readonly entry: Buffer;
  readonly due: number;
}

/** By the number of times that they were sent, oldest first. */
export type Endings = readonly Sent[][];

export const noEndings = (): Endings => AGAIN.map(() => []);

function enqueue(queue: Sent[], entries: readonly Buffer[], due: number): void {
  for (const entry of entries) queue.push({entry, due});
  if (queue.length > QUEUE_MAX) queue.splice(0, queue.length - QUEUE_MAX);
}

/** These endings were sent for the first time. */
export function noteSent(endings: Endings, entries: readonly Buffer[], now: number): void {
  enqueue(endings[0]!, entries, now + AGAIN[0]!);
}

/**
 * The endings to send again now. One that is no longer true is forgotten: its client has a connection again, or its real
 * server has returned.
 */
export function dueEndings(endings: Endings, now: number, isTrue: (entry: Buffer) => boolean): Buffer[] {
  return endings.flatMap((queue, times) => {
    const end = queue.findIndex(({due}) => due > now);
    const due = queue
      .splice(0, Math.min(BATCH, end < 0 ? queue.length : end))
      .flatMap(({entry}) => (isTrue(entry) ? [entry] : []));
    const next = endings[times + 1];
    if (next) enqueue(next, due, now + AGAIN[times + 1]!);
    return due;
  });
}

export function forgetEndings(endings: Endings): void {
  for (const queue of endings) queue.length = 0;
}
