/** The load beneath a drill: its figures from the samples, its table. Pure. */
import type {CpuSample, LoadFigures, LoadReport, LoadSecond, LoadSpan, TsungReport} from './load-report.ts';
import {percentile} from './report.ts';

/**
 * A request of the load, in milliseconds: when it was due, counted from the start of the load; from then until the connection
 * was established (null: never) and until it was answered or failed; the answering server (null: failed); the failure. A
 * duration that began with the actual start would hide that a stalled client starts late.
 */
export type LoadSample = readonly [
  due: number,
  connected: number | null,
  took: number,
  server: string | null,
  error?: string,
];

/** What was measured. `began` and the samples of `cpu` count from the start of the drill. */
export interface Measured {
  readonly rate: number;
  readonly ramp: number;
  readonly began: number;
  /** Milliseconds. */
  readonly length: number;
  readonly late: number;
  readonly samples: readonly LoadSample[];
  readonly cpu: LoadReport['cpu'];
  readonly tsung?: TsungReport;
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
const add = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1;
};

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : tenths(values.reduce((sum, value) => sum + value, 0) / values.length);

export function figuresOf(samples: readonly LoadSample[]): LoadFigures {
  const took: number[] = [];
  const connected = samples.flatMap(([, time]) => (time === null ? [] : [time]));
  const servers: Record<string, number> = {};
  for (const [, , time, server] of samples) {
    if (server === null) continue;
    took.push(time);
    add(servers, server);
  }
  took.sort((a, b) => a - b);
  const of = (share: number): number | null => percentile(took, share) ?? null;
  return {
    due: samples.length,
    connected: connected.length,
    answered: took.length,
    failed: samples.length - took.length,
    connect: meanOf(connected),
    mean: meanOf(took),
    p50: of(0.5),
    p90: of(0.9),
    p99: of(0.99),
    most: took.at(-1) ?? null,
    servers,
  };
}

/** Every second of the load; the last ones may only have late answers. */
export function secondsOf({
  samples,
  began,
  length,
}: Pick<Measured, 'samples' | 'began' | 'length'>): LoadSecond[] {
  const end = samples.reduce((so, [due, , took]) => Math.max(so, due + took), length);
  const seconds = Array.from({length: Math.floor(end / 1_000) + 1}, () => ({
    due: [] as LoadSample[],
    connected: 0,
    answered: 0,
    failed: 0,
  }));
  const second = (ms: number) => seconds[Math.floor(ms / 1_000)];
  for (const sample of samples) {
    const [due, connected, took, server] = sample;
    second(due)?.due.push(sample);
    const established = connected === null ? undefined : second(due + connected);
    if (established) established.connected += 1;
    const over = second(due + took);
    if (over) over[server === null ? 'failed' : 'answered'] += 1;
  }
  return seconds.map((one, index) => {
    const {p50, p99} = figuresOf(one.due);
    return {...one, at: Math.round(began + index * 1_000), due: one.due.length, p50, p99};
  });
}

function cpuOf(samples: readonly CpuSample[], from: number, to: number): LoadSpan['cpu'] {
  const those = samples.filter(({at}) => at >= from && at <= to);
  const names = [...new Set(those.map(({director}) => director))].toSorted();
  return Object.fromEntries(
    names.map((name) => {
      const all = those.filter(({director}) => director === name).map(({percent}) => percent);
      const sum = all.reduce((so, percent) => so + percent, 0);
      return [name, {mean: tenths(sum / all.length), most: Math.max(...all)}];
    }),
  );
}

/** The report's part about the load; `events` are those of the drill. */
export function loadReport(
  measured: Measured,
  events: readonly {readonly event: string; readonly from: number; readonly to: number}[],
): LoadReport {
  const {rate, ramp, began, length, late, samples, cpu, tsung} = measured;
  const stretches = [
    {event: 'the whole load', from: began, to: began + length},
    ...events.filter(({to}) => to > began),
  ];
  const errors: Record<string, number> = {};
  for (const [, , , , error] of samples) if (error !== undefined) add(errors, error);
  return {
    rate,
    ramp,
    late,
    seconds: secondsOf(measured),
    spans: stretches.map(({event, from, to}) => ({
      name: event,
      from,
      to,
      ...figuresOf(samples.filter(([due]) => began + due >= from && began + due <= to)),
      cpu: cpuOf(cpu.samples, from, to),
    })),
    errors,
    cpu,
    ...(tsung === undefined ? {} : {tsung}),
  };
}

const rounded = (value: number | null): string => (value === null ? '-' : value.toFixed(0));

const perSecond = (count: number, {from, to}: LoadSpan): string =>
  `${count}, ${to > from ? ((count * 1_000) / (to - from)).toFixed(1) : '-'}`;

/** The spans as a table; `numbers`: its columns of numbers. */
export function loadTable({spans}: LoadReport): {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly numbers: readonly number[];
} {
  const names = [...new Set(spans.flatMap(({cpu}) => Object.keys(cpu)))].toSorted();
  const head = [
    'load',
    'due',
    'connected, a second',
    'answered, a second',
    'failed',
    'mean ms',
    'p50',
    'p90',
    'p99',
    'max',
    ...names.map((name) => `${name} CPU %, max`),
    'answered by',
  ];
  const rows = spans.map((span) => [
    span.name,
    String(span.due),
    perSecond(span.connected, span),
    perSecond(span.answered, span),
    String(span.failed),
    ...[span.mean, span.p50, span.p90, span.p99, span.most].map(rounded),
    ...names.map((name) => {
      const cpu = span.cpu[name];
      return cpu === undefined ? '-' : `${rounded(cpu.mean)}, ${cpu.most}`;
    }),
    Object.entries(span.servers)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([server, count]) => `${server} ${count}`)
      .join(', '),
  ]);
  return {head, rows, numbers: head.map((_, at) => at).slice(1, -1)};
}

/** What the table does not say, as sentences. */
export function loadWords({rate, ramp, late, errors, cpu}: LoadReport): string[] {
  const failed = Object.entries(errors).map(([error, count]) => `${count} × ${error}`);
  return [
    `${rate} new connections per second after a ramp of ${ramp} s, one request each; times from when each was due; the client was ${late.toFixed(0)} ms behind at most`,
    `CPU: percent of one core, ${cpu.of === 'processes' ? 'the processes of a director; what the kernel forwards is not in it' : 'of the whole machine'}`,
    ...(failed.length === 0 ? [] : [`failed: ${failed.join(', ')}`]),
  ];
}
