/**
 * How slow this processor is, by the cheapest of the recent checks: what costs 15 ms on a server costs 100 in an emulated or
 * overloaded machine, where ordinary checks would all seem expensive. Hostile servers can stretch the allowance only if nearly
 * all checks of the process are theirs.
 */
import type {Millis} from '@hactl/base';

/** An ordinary check takes less. */
const ORDINARY: Millis = 1;
/** Checks that are remembered, and how many are needed for a judgement. */
const REMEMBERED = 128;
const NEEDED = 10;
/** The cheapest of so many counts. */
const CHEAPEST = 20;
/** It is judged anew after so many checks: sorting costs as much as a check. */
const JUDGED_EVERY = 16;

export class Pace {
  readonly #took: Millis[] = [];
  #noted = 0;
  #slowness: number | undefined;

  /** A check took so long by the wall clock: of the cheapest that is what it cost. */
  note(took: Millis): void {
    this.#took[this.#noted % REMEMBERED] = took;
    this.#noted += 1;
    if (this.#noted < NEEDED || (this.#noted > NEEDED && this.#noted % JUDGED_EVERY !== 0)) return;
    const sorted = this.#took.toSorted((left, right) => left - right);
    this.#slowness = Math.max(1, (sorted[Math.floor(sorted.length / CHEAPEST)] ?? 0) / ORDINARY);
  }

  /**
   * By how much costs are divided before they are judged; 1 on a processor that is fast enough. undefined: too few checks are
   * known (a process's first ones are compiled while they run).
   */
  get slowness(): number | undefined {
    return this.#slowness;
  }
}
