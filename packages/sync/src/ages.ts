/** Samples of the age of the newest record that has reached the peer. Pure. */

const KEPT = 600;

export interface Ages {
  /** The newest KEPT samples, in ms; older ones are overwritten in turn. */
  readonly samples: Float64Array;
  count: number;
}

export const noAges = (): Ages => ({samples: new Float64Array(KEPT), count: 0});

export function noteAge(ages: Ages, age: number): void {
  ages.samples[ages.count % KEPT] = age;
  ages.count += 1;
}

/** Median and 99th percentile in ms; undefined without a sample. */
export function agesOf(ages: Ages): {readonly p50: number; readonly p99: number} | undefined {
  const sorted = ages.samples.slice(0, Math.min(ages.count, KEPT)).toSorted();
  const percentile = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return sorted.length === 0 ? undefined : {p50: percentile(0.5), p99: percentile(0.99)};
}
