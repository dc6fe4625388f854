/** Which director held the VIP when, and for how long both or neither did. Pure. */

/** One observation: from `at` on, `director` holds the VIP or does not. All on one clock. */
export interface Holding {
  readonly at: number;
  readonly director: string;
  readonly holds: boolean;
}

export interface HolderTimes {
  readonly both: number;
  readonly neither: number;
}

/** Total time between `from` and `to` with two holders and with none. */
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

/** Drops observations that change nothing (a renewed lease reports the address again). Sorted by time. */
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

/** Monitors addresses: one line per change, stamped when it was read. */
export const watchCommand = ['ip', '-o', '-ts', 'monitor', 'address'] as const;

/**
 * The same with priority over every other process: ip(8) stamps a change when it reads it, not when the kernel made it. On a
 * slow machine the engine with its real-time priority may keep the CPU in between (a drill saw two holders for the 4 ms in
 * which the engine, having removed the address, sent its last advert). Not for benchmarks in milliseconds: there it would
 * delay the engine between address and announcement by a millisecond. Without permission it runs at normal priority.
 */
export const promptWatchCommand = [
  'sh',
  '-c',
  `chrt --fifo --pid 90 $$ 2>/dev/null; exec ${watchCommand.join(' ')}`,
] as const;

/** Parses a line of `ip -o -ts monitor address`: the address was added (or its lease renewed) or removed. */
export function addressChange(
  line: string,
  address: string,
): {readonly at: number; readonly holds: boolean} | undefined {
  const stamp = /^\[(\S+)\]/.exec(line)?.[1];
  if (stamp === undefined || !line.includes(` ${address}/`)) return undefined;
  return {at: Date.parse(`${stamp.slice(0, 23)}Z`), holds: !line.includes('Deleted')};
}
