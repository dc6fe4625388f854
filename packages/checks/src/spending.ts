/** The cost of a check, written by its meter and read by the driver. */
import type {Millis} from '@hactl/base';
import type {CheckSpec} from './messages.ts';
import {ALLOWANCE, costWords, exceeds, type Cost} from './quarantine.ts';

/** The cost so far; written by the meter. */
export class Spending {
  /** undefined: the check is only measured. */
  readonly #allowance: Cost | undefined;
  #slowness: number | undefined = 1;
  wall: Millis = 0;
  cpu: Millis = 0;
  octets = 0;
  /** Measure exactly from the start: the last check took long by the wall clock. */
  suspect = false;
  /** Its server made work that the meter cannot see: it is too expensive. */
  unseen = false;
  /** The reason for the interruption. */
  interrupted: string | undefined;

  constructor(allowance: Cost | undefined) {
    this.#allowance = allowance;
  }

  /** Starts the next check, with the processor's slowness (pace.ts); undefined: CPU time cannot be judged yet. */
  reset(slowness: number | undefined): void {
    this.#slowness = slowness;
    this.suspect = this.wall > ALLOWANCE.cpu;
    [this.wall, this.cpu, this.octets, this.unseen, this.interrupted] = [0, 0, 0, false, undefined];
  }

  /** The cost scaled to a fast processor. */
  cost(): Cost {
    if (this.unseen) return {cpu: Infinity, octets: this.octets};
    return {cpu: this.#slowness === undefined ? 0 : this.cpu / this.#slowness, octets: this.octets};
  }

  /** The reason to end the check, if any. */
  excess(): string | undefined {
    const cost = this.cost();
    return this.#allowance && exceeds(cost, this.#allowance) ? costWords(cost) : undefined;
  }
}

const all = new WeakMap<CheckSpec, Spending>();
/** The spending of a measured check; a probe without one has only its own limits. */
export const spendingOf = (spec: CheckSpec): Spending | undefined => all.get(spec);
export const measure = (spec: CheckSpec, spending: Spending): void => void all.set(spec, spending);
