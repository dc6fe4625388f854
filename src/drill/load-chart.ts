/** The load of a drill as an SVG drawing over the same time as the timeline: rates, durations, CPU. Pure. */
import {bands, escapeHtml, LEFT, palette, RIGHT, round, scaleOf, text, timeAxis, WIDTH} from './chart.ts';
import type {Scale} from './chart.ts';
import type {LoadReport} from './load-report.ts';
import type {DrillReport} from './report.ts';

/** A line over time; null: a gap. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly lane: 'per second' | 'ms' | 'CPU %';
  readonly points: readonly (readonly [at: number, value: number | null])[];
}

const lanes = ['per second', 'ms', 'CPU %'] as const;
const LANE = 110;
const GAP = 20;

const [BLUE, ORANGE, GREEN, PINK, SKY, , BLACK] = palette;
const RED = '#c1121f';
const GREY = '#8a97a5';

/** The lines of a load, in the order of the key. */
export function loadSeries({seconds, cpu, tsung}: LoadReport): Series[] {
  const of = (
    field: 'due' | 'connected' | 'answered' | 'failed' | 'p50' | 'p99',
    whose = seconds,
  ): Series['points'] => whose.map((second) => [second.at, second[field]]);
  const names = [...new Set(cpu.samples.map(({director}) => director))].toSorted();
  return [
    {name: 'requests due', colour: GREY, lane: 'per second', points: of('due')},
    {name: 'connections', colour: SKY, lane: 'per second', points: of('connected')},
    {name: 'requests answered', colour: BLUE, lane: 'per second', points: of('answered')},
    {name: 'failed', colour: RED, lane: 'per second', points: of('failed')},
    {name: 'p50', colour: GREEN, lane: 'ms', points: of('p50')},
    {name: 'p99', colour: ORANGE, lane: 'ms', points: of('p99')},
    ...(tsung === undefined
      ? []
      : ([
          {name: 'Tsung: answered', colour: BLACK, lane: 'per second', points: of('answered', tsung.seconds)},
          {name: 'Tsung: p50', colour: SKY, lane: 'ms', points: of('p50', tsung.seconds)},
          {name: 'Tsung: p99', colour: BLACK, lane: 'ms', points: of('p99', tsung.seconds)},
        ] as const)),
    ...names.map((name, index): Series => ({
      name: `CPU of ${name}`,
      colour: [PINK, BLUE][index % 2] ?? PINK,
      lane: 'CPU %',
      points: cpu.samples.filter(({director}) => director === name).map(({at, percent}) => [at, percent]),
    })),
  ];
}

/** The points as a path, with a gap at each null. */
function line({name, colour, points}: Series, scale: Scale, y: (value: number) => number): string {
  let pen = 'M';
  const path = points.map(([at, value]) => {
    if (value === null) {
      pen = 'M';
      return '';
    }
    const step = `${pen}${round(scale.x(at))} ${round(y(value))}`;
    pen = 'L';
    return step;
  });
  return `<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="1.5"><title>${escapeHtml(name)}</title></path>`;
}

function lane(title: string, series: readonly Series[], scale: Scale, top: number): string[] {
  const most = series
    .flatMap(({points}) => points.map(([, value]) => value ?? 0))
    .reduce((so, value) => Math.max(so, value), 1);
  // One slow second must not flatten the others.
  const share = title === 'ms' ? (value: number) => Math.log10(1 + value) / Math.log10(1 + most) : undefined;
  const y = (value: number): number => top + LANE - (share?.(value) ?? value / most) * LANE;
  const ticks = share === undefined ? [0, most] : [1, 10, 100, 1_000, 10_000].filter((tick) => tick <= most);
  return [
    text(4, top + 12, title),
    ...ticks.flatMap((tick) => [
      `<path d="M${LEFT} ${round(y(tick))}H${WIDTH - RIGHT}" stroke="#cfd6dd" stroke-width="0.5"/>`,
      text(LEFT - 6, y(tick) + 4, round(tick), ' text-anchor="end"'),
    ]),
    ...series.map((one) => line(one, scale, y)),
  ];
}

export function renderLoadChart(report: DrillReport, load: LoadReport): string {
  const scale = scaleOf(report);
  const series = loadSeries(load);
  const height = 26 + lanes.length * (LANE + GAP) + GAP;
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="load of the drill">`,
    ...bands(report, scale, height),
    ...lanes.flatMap((name, index) =>
      lane(
        name,
        series.filter((one) => one.lane === name),
        scale,
        26 + index * (LANE + GAP),
      ),
    ),
    ...timeAxis(scale, height),
    '</svg>',
  ].join('\n');
}
