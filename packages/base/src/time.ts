/** A duration in milliseconds; fractions are legal (intervals are computed before they are rounded). */
export type Millis = number;

/** A point on the monotonic clock, in milliseconds since an arbitrary start. Never a wall-clock time. */
export type Instant = number;

/** A wall-clock time in milliseconds since 1970, for people and logs only: never used for a deadline. */
export type WallTime = number;

/** Both clocks, read once per step of a machine: the pure core never reads a clock. */
export interface Moment {
  readonly now: Instant;
  readonly wall: WallTime;
}

/** The two clocks, passed to drivers only, never to the pure core. */
export interface Clock {
  /** The monotonic clock. */
  now(): Instant;
  /** The wall clock. */
  wall(): WallTime;
}

const [bootSeconds, bootNanos] = process.hrtime();
const origin = bootSeconds * 1_000 + bootNanos / 1e6 - performance.now();

/**
 * The machine's clocks. `now` counts from boot (CLOCK_MONOTONIC), not from the process's start, so that instants of several
 * processes can be compared. Only entry files use it.
 */
export const systemClock: Clock = {
  now: () => origin + performance.now(),
  wall: () => Date.now(),
};
