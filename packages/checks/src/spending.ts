/** What a check costs, written by its meter and read by the driver. */
import type {Millis} from '@hactl/base';
import type {CheckSpec} from './messages.ts';
import {ALLOWANCE, costWords, exceeds, type Cost} from './quarantine.ts';

/** What a check has cost so far; its meter writes here. */
export class Spending {
  /** Undefined: it is only measured. */
  readonly #allowance: Cost | undefined;
  #slowness: number | undefined = 1;
  wall: Millis = 0;
  cpu: Millis = 0;
  octets = 0;
  /** Measure it exactly from the start: the last check took long by the wall clock. */
  suspect = false;
  /** It was interrupted for this reason. */
  interrupted: string | undefined;

  constructor(allowance: Cost | undefined) {
    this.#allowance = allowance;
  }

  /** The next check begins, on a processor that is so slow (pace.ts); undefined: its CPU time cannot be judged yet. */
  reset(slowness: number | undefined): void {
    this.#slowness = slowness;
    this.suspect = this.wall > ALLOWANCE.cpu;
    [this.wall, this.cpu, this.octets, this.interrupted] = [0, 0, 0, undefined];
  }

  /** What it would cost on a fast processor. */
  cost(): Cost {
    return {cpu: this.#slowness === undefined ? 0 : this.cpu / this.#slowness, octets: this.octets};
  }

  /** Why the check must end, if it must. */
  excess(): string | undefined {
    const cost = this.cost();
    return this.#allowance && exceeds(cost, this.#allowance) ? costWords(cost) : undefined;
  }
}

const all = new WeakMap<CheckSpec, Spending>();
/** Of a check that is measured; a probe without one has its own limits only. */
export const spendingOf = (spec: CheckSpec): Spending | undefined => all.get(spec);
export const measure = (spec: CheckSpec, spending: Spending): void => void all.set(spec, spending);
