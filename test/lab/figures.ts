/** Summarises figures of several runs. Pure. */

/** Formats as `median (min..max)`. */
export function figures(all: readonly number[]): string {
  if (all.length === 0) return '-';
  const sorted = all.toSorted((a, b) => a - b);
  const text = (value = 0): string => String(Math.round(value * 10) / 10);
  return `${text(median(sorted))} (${text(sorted[0])}..${text(sorted.at(-1))})`;
}

/** The median; NaN for an empty list. */
export function median(all: readonly number[]): number {
  const sorted = all.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1] ?? NaN, sorted[sorted.length >> 1] ?? NaN];
  return (low + high) / 2;
}
