/** Timer lateness as a histogram of fixed size, so that counting allocates nothing. Pure. */

const BOUNDS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, Infinity] as const;

export interface Lateness {
  note(late: number): void;
  summary(): {p50: number; p99: number; max: number};
}

/** Makes an empty histogram. Percentiles are the upper bound of their bucket. */
export function makeLateness(): Lateness {
  const counts = new Uint32Array(BOUNDS.length);
  let [total, max] = [0, 0];
  const percentile = (share: number): number => {
    let seen = 0;
    for (let index = 0; index < BOUNDS.length; index += 1) {
      seen += counts[index] ?? 0;
      if (seen >= total * share && seen > 0) return Math.min(BOUNDS[index] ?? max, max);
    }
    return 0;
  };
  return {
    note: (late) => {
      let index = 0;
      while (late > (BOUNDS[index] ?? Infinity)) index += 1;
      counts[index] = (counts[index] ?? 0) + 1;
      total += 1;
      if (late > max) max = late;
    },
    summary: () => ({p50: percentile(0.5), p99: percentile(0.99), max}),
  };
}
