/**
 * Data of the plots: connections per second and active connections of each service and real server, in three rings of
 * fixed length: five minutes by second, an hour by ten seconds, a day by five minutes. Pure.
 */
import type {WallTime} from '@hactl/base';

/** Step in seconds and number of points of each ring. */
export const spans = {
  now: {step: 1, points: 300},
  hour: {step: 10, points: 360},
  day: {step: 300, points: 288},
} as const;

export type SpanName = keyof typeof spans;

/** One series' value at one time. */
export type Sample = ReadonlyMap<string, number>;

interface Point {
  /** Wall clock in seconds, a multiple of the step. */
  readonly time: number;
  readonly sums: ReadonlyMap<string, readonly [sum: number, count: number]>;
}

export type History = Readonly<Record<SpanName, readonly Point[]>>;

export const noHistory: History = {now: [], hour: [], day: []};

/** Maximum series: bounds the console's memory whatever the table's size. */
export const SERIES_MOST = 2_000;

function into(points: readonly Point[], span: SpanName, sample: Sample, seconds: number): readonly Point[] {
  const {step, points: most} = spans[span];
  const time = Math.floor(seconds / step) * step;
  const last = points.at(-1);
  // The clock was set back: drop points in its future, or they would stay for ever.
  const rest = last && last.time > time ? points.filter((point) => point.time <= time) : points;
  const open = rest.at(-1)?.time === time ? rest.at(-1) : undefined;
  const sums = new Map(open?.sums);
  for (const [series, value] of sample) {
    if (!sums.has(series) && sums.size >= SERIES_MOST) continue;
    const [sum, count] = sums.get(series) ?? [0, 0];
    sums.set(series, [sum + value, count + 1]);
  }
  return [...(open ? rest.slice(0, -1) : rest), {time, sums}].slice(-most);
}

/** Returns the history with the sample added. */
export function record(history: History, sample: Sample, wall: WallTime): History {
  const seconds = wall / 1_000;
  return {
    now: into(history.now, 'now', sample, seconds),
    hour: into(history.hour, 'hour', sample, seconds),
    day: into(history.day, 'day', sample, seconds),
  };
}

/** Times in seconds and the mean of each requested series, null for gaps: uPlot's input format. */
export function plot(
  history: History,
  span: SpanName,
  series: readonly string[],
): {readonly times: readonly number[]; readonly values: readonly (readonly (number | null)[])[]} {
  const points = history[span];
  return {
    times: points.map(({time}) => time),
    values: series.map((name) =>
      points.map(({sums}) => {
        const found = sums.get(name);
        return found ? found[0] / found[1] : null;
      }),
    ),
  };
}

/** Names of all series with a value. */
export const seriesOf = (history: History): string[] => [
  ...new Set(
    [...history.now.slice(-1), ...history.hour, ...history.day].flatMap(({sums}) => [...sums.keys()]),
  ),
];
