/**
 * The CPU budget of one check. All checks of a shard share the thread: a server that keeps it busy, by
 * whatever means, must not delay the others. A check is charged for each of its events, until the next event of
 * any check or the end of the turn of the event loop: this includes promise callbacks after the event.
 *
 * Reading the thread's CPU clock costs as much as an ordinary event, so a check is measured by the wall clock first. One
 * that seems to take long is measured exactly from then on, so that other programs' time is not charged.
 */
import type {Millis} from '@hactl/base';
import type {Spending} from '../spending.ts';

/** Maximum thread time of one check. An ordinary one takes 0.05 ms, one with TLS 2 ms. */
export const BUDGET: Millis = 100;
/** Maximum reads from its server. 1 MiB over Ethernet arrives in 725. */
export const EVENTS_MAX = 4_096;
/**
 * An event is charged at most this: reading a piece (64 KiB) costs less, so the rest was another program's time or
 * V8's. A check with few events cannot exceed its budget because the machine is busy.
 */
const EVENT_TIME_MAX: Millis = 5;
/** Node's own cost of a piece before the check's event begins, in ms (measured): for tiny pieces this is nearly all. */
const PIECE: Millis = 0.02;
/** Above this the CPU clock is read for each event. */
const SUSPECT: Millis = 5;

let current: Meter | undefined;
let since = 0;
let cpuSince: NodeJS.CpuUsage | undefined;
let turnEnds = false;

function settle(now: number): void {
  const meter = current;
  if (!meter) return;
  current = undefined;
  if (!cpuSince) return meter.add(now - since);
  const {user, system} = process.threadCpuUsage(cpuSince);
  cpuSince = undefined;
  meter.add(now - since, (user + system) / 1_000);
}

/** Starts work that belongs to no check, so that it is not charged to the previous one. */
export const chargeNobody = (): void => settle(performance.now());

const endOfTurn = (): void => {
  turnEnds = false;
  chargeNobody();
};

/** Measures one check. */
export class Meter {
  readonly #exceeded: (reason: string) => void;
  readonly #spending: Spending | undefined;
  #used: Millis = 0;
  #events = 0;
  #over = false;
  #exact: boolean;

  /**
   * `exceeded` is called once at most, with a reason for the check to end. With a spending the check also ends when it
   * exceeds its allowance.
   */
  constructor(exceeded: (reason: string) => void, spending?: Spending) {
    this.#exceeded = exceeded;
    this.#spending = spending;
    this.#exact = spending?.suspect ?? false;
  }

  /** Starts an event of this check, with the number of octets received. */
  enter(octets = 0): void {
    const now = performance.now();
    settle(now);
    // oxlint-disable-next-line typescript/no-this-alias -- the check that is charged until the next event.
    current = this;
    since = now;
    if (this.#exact) cpuSince = process.threadCpuUsage();
    this.#events += 1;
    if (this.#events > EVENTS_MAX) this.#end(`the answer comes in more than ${EVENTS_MAX} pieces: given up`);
    if (this.#spending) {
      this.#spending.octets += octets;
      this.#spending.cpu += PIECE;
      this.#look(this.#spending);
    }
    if (turnEnds) return;
    turnEnds = true;
    setImmediate(endOfTurn);
  }

  /** Charges work of other threads for this check, in ms, before it is done. */
  charge(cpu: Millis): void {
    if (!this.#spending) return;
    this.#spending.cpu += cpu;
    this.#look(this.#spending);
  }

  /** The check has its verdict: later charges cannot end it. */
  finish(): void {
    this.#over = true;
  }

  /** Milliseconds spent on this check: by the wall clock, or by the thread's CPU clock if it was read. */
  add(wall: Millis, cpu?: Millis): void {
    this.#used += Math.min(cpu ?? wall, EVENT_TIME_MAX);
    if (this.#used > SUSPECT) this.#exact = true;
    if (this.#spending) {
      this.#spending.wall += wall;
      this.#spending.cpu += cpu ?? 0;
      this.#look(this.#spending);
    }
    if (this.#used > BUDGET)
      this.#end(`reading the answer takes more than ${BUDGET} ms of this process: given up`);
  }

  #look(spending: Spending): void {
    if (this.#over) return;
    const excess = spending.excess();
    if (excess === undefined) return;
    spending.interrupted = excess;
    this.#end(excess);
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#exceeded(reason);
  }
}
