/** The timeline of a drill as an SVG drawing. All text is escaped. Pure. */
import type {DrillReport} from './report.ts';

/** Escapes text for HTML and attributes. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);

export const WIDTH = 1_160;
export const LEFT = 110;
export const RIGHT = 14;
/** Colour-blind safe palette (Okabe and Ito). */
export const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000'] as const;
const roleColours: Readonly<Record<string, string>> = {
  Active: '#009e73',
  Backup: '#9bb7d4',
  Initialize: '#e6c35c',
  gone: '#d8d8d8',
};
/** Column width for thinning out: each column keeps only its slowest request. */
const COLUMN = 2;

export interface Scale {
  x(time: number): number;
  readonly end: number;
}

export const round = (value: number): string => (Math.round(value * 10) / 10).toString();

export const text = (x: number, y: number, words: string, extra = ''): string =>
  `<text x="${round(x)}" y="${round(y)}"${extra}>${escapeHtml(words)}</text>`;

const bar = (
  scale: Scale,
  from: number,
  to: number,
  y: number,
  height: number,
  colour: string,
  title: string,
): string =>
  `<rect x="${round(scale.x(from))}" y="${y}" width="${round(Math.max(1, scale.x(to) - scale.x(from)))}" height="${height}" fill="${colour}"><title>${escapeHtml(title)}</title></rect>`;

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** Intervals between changes; the last one extends to the end. */
function stretches<T>(changes: readonly {readonly at: number; readonly value: T}[], end: number) {
  const sorted = changes.toSorted((a, b) => a.at - b.at);
  return sorted.map(({at, value}, index) => ({
    from: Math.max(0, at),
    to: sorted[index + 1]?.at ?? end,
    value,
  }));
}

/** The events as numbered bands in the background. */
export function bands(report: DrillReport, scale: Scale, height: number): string[] {
  return report.events.flatMap(({event, from, to, failures}, index) => {
    const colour = failures.length > 0 ? '#f6c9c3' : index % 2 === 0 ? '#f4f6f8' : '#e9edf1';
    return [
      bar(scale, from, to, 18, height - 40, colour, event),
      text(scale.x((from + to) / 2), 13, String(index + 1), ' text-anchor="middle"'),
    ];
  });
}

function directorLanes(report: DrillReport, scale: Scale, top: number): string[] {
  const names = [...new Set([...report.roles, ...report.holders].map(({director}) => director))].toSorted();
  return names.flatMap((name, index) => {
    const y = top + index * 44;
    const roles = report.roles.filter(({director}) => director === name);
    const holds = report.holders.filter(({director}) => director === name);
    return [
      text(4, y + 14, `${name} role`),
      ...stretches(
        roles.map(({at, role}) => ({at, value: role})),
        scale.end,
      ).map(({from, to, value}) =>
        bar(
          scale,
          from,
          to,
          y,
          18,
          roleColours[value] ?? '#b0b0b0',
          `${name}: ${value}, ${seconds(from)} to ${seconds(to)}`,
        ),
      ),
      text(4, y + 33, 'has the VIP'),
      ...stretches(
        holds.map(({at, holds: value}) => ({at, value})),
        scale.end,
      )
        .filter(({value}) => value)
        .map(({from, to}) =>
          bar(
            scale,
            from,
            to,
            y + 22,
            12,
            '#0072b2',
            `${name} has the VIP, ${seconds(from)} to ${seconds(to)}`,
          ),
        ),
    ];
  });
}

/** Requests by start time and duration; lost ones as marks at the top. */
function requestLane(report: DrillReport, scale: Scale, top: number, height: number): string[] {
  const most = report.requests.reduce(
    (so, [, took, server]) => (server === null ? so : Math.max(so, took)),
    10,
  );
  const y = (took: number): number =>
    top + height - (Math.log10(1 + took) / Math.log10(1 + most)) * (height - 14);
  const slowest = new Map<number, (typeof report.requests)[number]>();
  const lost: string[] = [];
  for (const sample of report.requests) {
    const [time, took, server] = sample;
    if (server === null) {
      lost.push(
        `<path d="M${round(scale.x(time))} ${top}v10" stroke="#c1121f" stroke-width="2"><title>lost, ${seconds(time)}</title></path>`,
      );
      continue;
    }
    const column = Math.round(scale.x(time) / COLUMN);
    if ((slowest.get(column)?.[1] ?? -1) < took) slowest.set(column, sample);
  }
  const ticks = [1, 10, 100, 1_000, 10_000].filter((tick) => tick <= most);
  return [
    text(4, top + 12, 'requests, ms'),
    ...ticks.flatMap((tick) => [
      `<path d="M${LEFT} ${round(y(tick))}H${WIDTH - RIGHT}" stroke="#cfd6dd" stroke-width="0.5"/>`,
      text(LEFT - 6, y(tick) + 4, String(tick), ' text-anchor="end"'),
    ]),
    ...[...slowest.values()].map(
      ([time, took]) =>
        `<circle cx="${round(scale.x(time))}" cy="${round(y(took))}" r="1.4" fill="#0072b2"/>`,
    ),
    ...lost,
  ];
}

export const serversOf = (report: DrillReport): readonly string[] =>
  [...new Set(report.connections.flatMap(({active}) => Object.keys(active)))].toSorted();

function connectionLane(report: DrillReport, scale: Scale, top: number, height: number): string[] {
  const servers = serversOf(report);
  const most = report.connections.reduce((so, {active}) => Math.max(so, ...Object.values(active)), 1);
  return [
    text(4, top + 12, 'connections'),
    text(LEFT - 6, top + 10, String(most), ' text-anchor="end"'),
    text(LEFT - 6, top + height, '0', ' text-anchor="end"'),
    ...servers.map((server, index) => {
      const points = report.connections.map(
        ({at, active}) =>
          `${round(scale.x(at))},${round(top + height - ((active[server] ?? 0) / most) * height)}`,
      );
      return `<polyline points="${points.join(' ')}" fill="none" stroke="${palette[index % palette.length]}" stroke-width="1.5"><title>${escapeHtml(server)}</title></polyline>`;
    }),
  ];
}

/** The drill from left to right, the same in each drawing. */
export function scaleOf(report: DrillReport): Scale {
  const end = Math.max(1, report.length);
  return {end, x: (time) => LEFT + (Math.min(Math.max(time, 0), end) / end) * (WIDTH - LEFT - RIGHT)};
}

/** Seconds along the lower edge. */
export function timeAxis(scale: Scale, height: number): string[] {
  const seconds = scale.end / 1_000;
  const step =
    [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600].find((step) => seconds / step <= 14) ?? 7_200;
  const marks = Array.from({length: Math.floor(seconds / step) + 1}, (_, index) => index * step);
  return marks.map((mark) => text(scale.x(mark * 1_000), height - 6, `${mark} s`, ' text-anchor="middle"'));
}

/** The drawing: roles and holders of each director, requests, connections of each real server, over the events. */
export function renderTimeline(report: DrillReport): string {
  const scale = scaleOf(report);
  const height = 440;
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="timeline of the drill">`,
    ...bands(report, scale, height),
    ...directorLanes(report, scale, 26),
    ...requestLane(report, scale, 122, 130),
    ...connectionLane(report, scale, 272, 130),
    ...timeAxis(scale, height),
    '</svg>',
  ].join('\n');
}
