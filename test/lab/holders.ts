/** When did which director hold the VIP: intervals, and how long both or neither did. Pure. */

/** One observation on one clock: from `at` on, `director` holds the VIP or does not. */
export interface Holding {
  readonly at: number;
  readonly director: string;
  readonly holds: boolean;
}

export interface HolderTimes {
  readonly both: number;
  readonly neither: number;
}

/** Sums, between `from` and `to`, the time with two holders and with none. */
export function holderTimes(observations: readonly Holding[], from: number, to: number): HolderTimes {
  const holding = new Set<string>();
  let [both, neither] = [0, 0];
  let at = from;
  const count = (until: number): void => {
    const span = Math.max(0, Math.min(until, to) - at);
    if (holding.size > 1) both += span;
    if (holding.size === 0) neither += span;
    at = Math.max(at, Math.min(until, to));
  };
  for (const observation of observations.toSorted((a, b) => a.at - b.at)) {
    if (observation.at > from) count(observation.at);
    if (observation.holds) holding.add(observation.director);
    else holding.delete(observation.director);
  }
  count(to);
  return {both, neither};
}

/** Observations that say something new: a lease that is renewed is seen as the address once more. In order of time. */
export function holderChanges(observations: readonly Holding[]): Holding[] {
  const last = new Map<string, boolean>();
  return observations
    .toSorted((a, b) => a.at - b.at)
    .filter(({director, holds}) => {
      const known = last.get(director) ?? false;
      last.set(director, holds);
      return holds !== known;
    });
}

/** Follows addresses: as many lines as there are changes, each with the time at which it was read. */
export const watchCommand = ['ip', '-o', '-ts', 'monitor', 'address'] as const;

/**
 * The same above every other process: ip(8) stamps a change when it reads it, not when the kernel made it. On a slow
 * machine the engine, which has a real-time priority, may keep the processor meanwhile (found by a drill that saw two
 * holders for the 4 ms in which the engine that had removed the address said goodbye). Not for a benchmark in milliseconds:
 * there the watch would take its millisecond from the engine between the address and its announcement. Where that
 * priority is not permitted it runs as it is.
 */
export const promptWatchCommand = [
  'sh',
  '-c',
  `chrt --fifo --pid 90 $$ 2>/dev/null; exec ${watchCommand.join(' ')}`,
] as const;

/** What a line of `ip -o -ts monitor address` says of an address: it came (or its lease was renewed), or went. */
export function addressChange(
  line: string,
  address: string,
): {readonly at: number; readonly holds: boolean} | undefined {
  const stamp = /^\[(\S+)\]/.exec(line)?.[1];
  if (stamp === undefined || !line.includes(` ${address}/`)) return undefined;
  return {at: Date.parse(`${stamp.slice(0, 23)}Z`), holds: !line.includes('Deleted')};
}
