/** A duration in milliseconds; fractions are legal (intervals are computed before they are rounded). */
export type Millis = number;

/** A point on the monotonic clock, in milliseconds since an arbitrary start. Never a wall-clock time. */
export type Instant = number;

/** A wall-clock time in milliseconds since 1970, for people and logs only: no deadline is ever computed from it. */
export type WallTime = number;

/** Both clocks, read once for one step of a machine: what decides never reads a clock itself. */
export interface Moment {
  readonly now: Instant;
  readonly wall: WallTime;
}

/** The two clocks: every driver gets them, the pure core never does. */
export interface Clock {
  /** The monotonic clock. */
  now(): Instant;
  /** The wall clock. */
  wall(): WallTime;
}

const [bootSeconds, bootNanos] = process.hrtime();
const origin = bootSeconds * 1_000 + bootNanos / 1e6 - performance.now();

/**
 * The machine's own clocks. `now` counts from boot (CLOCK_MONOTONIC), not from the process's start, so that instants
 * from several processes of one machine can be compared. Only entry files use it.
 */
export const systemClock: Clock = {
  now: () => origin + performance.now(),
  wall: () => Date.now(),
};
