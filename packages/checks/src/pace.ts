/**
 * Estimates how slow this processor is from the cheapest recent checks: what costs 15 ms on a server costs 100 in an emulated or
 * overloaded machine, where all ordinary checks would look expensive. Hostile servers can raise the allowance only if nearly
 * all checks of the process are theirs.
 */
import type {Millis} from '@hactl/base';

/** An ordinary check takes less. */
const ORDINARY: Millis = 1;
/** The number of checks remembered, and the number needed for an estimate. */
const REMEMBERED = 128;
const NEEDED = 10;
/** The estimate is the cheapest of this many. */
const CHEAPEST = 20;
/** The estimate is renewed after this many checks: sorting costs as much as a check. */
const JUDGED_EVERY = 16;

export class Pace {
  readonly #took: Millis[] = [];
  #noted = 0;
  #slowness: number | undefined;

  /** Records a check's wall-clock time; for the cheapest checks this is their cost. */
  note(took: Millis): void {
    this.#took[this.#noted % REMEMBERED] = took;
    this.#noted += 1;
    if (this.#noted < NEEDED || (this.#noted > NEEDED && this.#noted % JUDGED_EVERY !== 0)) return;
    const sorted = this.#took.toSorted((left, right) => left - right);
    this.#slowness = Math.max(1, (sorted[Math.floor(sorted.length / CHEAPEST)] ?? 0) / ORDINARY);
  }

  /**
   * The divisor for costs before they are compared; 1 on a fast processor. undefined: too few checks are
   * known (code is still being compiled during a process's first checks).
   */
  get slowness(): number | undefined {
    return this.#slowness;
  }
}
