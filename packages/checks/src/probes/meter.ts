/**
 * The CPU budget of one check. The thread is shared by all checks of a shard: a server that keeps it busy, by
 * whatever it sends, must not delay the others. Every event of a check is counted, and the time until the next event of
 * any check, or until the turn of the event loop ends: this includes what promises do behind the callback.
 */
import type {Millis} from '@hactl/base';

/** Time of this thread that one check may take. An ordinary one takes 0.05 ms, one with TLS 2 ms. */
export const BUDGET: Millis = 100;
/** Reads from its server. 1 MiB over Ethernet comes in 725. */
export const EVENTS_MAX = 4_096;
/**
 * An event counts at most this: what is read at once (64 KiB) costs less, so the rest was another program's time, or
 * V8's. A check with few events cannot exceed its budget because the machine is busy.
 */
const EVENT_TIME_MAX: Millis = 5;

let current: Meter | undefined;
let since = 0;
let turnEnds = false;

function settle(now: number): void {
  const meter = current;
  current = undefined;
  meter?.add(Math.min(now - since, EVENT_TIME_MAX));
}

/** Work that belongs to no check begins: it is not charged to the previous check. */
export const chargeNobody = (): void => settle(performance.now());

const endOfTurn = (): void => {
  turnEnds = false;
  chargeNobody();
};

/** The account of one check. */
export class Meter {
  readonly #exceeded: (reason: string) => void;
  #used: Millis = 0;
  #events = 0;
  #over = false;

  /** `exceeded` is called once at most, with a reason for the check to fail. */
  constructor(exceeded: (reason: string) => void) {
    this.#exceeded = exceeded;
  }

  /** An event of this check begins. */
  enter(): void {
    const now = performance.now();
    settle(now);
    // oxlint-disable-next-line typescript/no-this-alias -- the account that is open, until another one is.
    current = this;
    since = now;
    this.#events += 1;
    if (this.#events > EVENTS_MAX) this.#end(`the answer comes in more than ${EVENTS_MAX} pieces: given up`);
    if (turnEnds) return;
    turnEnds = true;
    setImmediate(endOfTurn);
  }

  /** Milliseconds spent on this check. */
  add(time: Millis): void {
    this.#used += time;
    if (this.#used > BUDGET)
      this.#end(`reading the answer takes more than ${BUDGET} ms of this process: given up`);
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#exceeded(reason);
  }
}
