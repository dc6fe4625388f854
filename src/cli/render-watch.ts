/** `hactl watch`: the history of snapshots → one frame of lines. Pure. */
import type {JournalEvent} from '../control/events.ts';
import type {RealStatus, StatusSnapshot, VirtualStatus} from '../control/protocol.ts';
import {plain, type Paint} from './render-status.ts';
import {clip, duration} from './table.ts';
import {timeOfDay} from './when.ts';

/** What one look at the daemon gave: a snapshot with the newest events, or why there is none. */
export interface Look {
  readonly status: StatusSnapshot;
  readonly events: readonly JournalEvent[];
}

export interface WatchView {
  /** Oldest first, one a second; the last one is shown, the others are the sparklines. */
  readonly history: readonly Look[];
  /** Why the daemon did not answer the last time. */
  readonly problem?: string;
}

const BARS = '▁▂▃▄▅▆▇█';
const SPARK_MIN = 8;
const SPARK_MAX = 60;

/** A number for each second as bars, the newest at the right; the highest one fills its cell. `top`: at least this. */
export function sparkline(values: readonly (number | undefined)[], width: number, top = 1): string {
  const shown = values.slice(-width);
  const most = Math.max(top, ...shown.map((value) => value ?? 0));
  const bars = shown.map((value) => {
    if (value === undefined) return ' ';
    // Only nothing at all has the lowest bar.
    return BARS[value <= 0 ? 0 : Math.max(1, Math.round((value / most) * (BARS.length - 1)))] ?? ' ';
  });
  return bars.join('').padStart(width);
}

/** Connections that load a real now: of TCP the established ones, of what has no state all that are remembered. */
export const load = (virtual: VirtualStatus, real: RealStatus): number =>
  real.activeConnections + (virtual.name.startsWith('tcp ') ? 0 : real.inactiveConnections);

/** What a counter grew by in each second; undefined where it began anew. */
export function rates(
  samples: readonly (readonly [wall: number, count: number | undefined])[],
): (number | undefined)[] {
  return samples.slice(1).map(([wall, count], at) => {
    const [wallBefore, before] = samples[at] ?? [wall, undefined];
    const seconds = (wall - wallBefore) / 1_000;
    if (count === undefined || before === undefined || count < before || seconds <= 0) return undefined;
    return (count - before) / seconds;
  });
}

const shortName = (name: string, width: number): string =>
  name.length <= width ? name.padEnd(width) : `${name.slice(0, width - 1)}…`;

function header({status}: Look, view: WatchView, width: number, paint: Paint): string[] {
  const left = `${status.node}  up ${duration(status.uptime)}`;
  const right = `${timeOfDay(status.wall).slice(0, 8)} UTC`;
  const lines = [paint.strong(left) + right.padStart(Math.max(right.length + 2, width - left.length))];
  const problems = [...(view.problem === undefined ? [] : [view.problem]), ...status.problems];
  if (status.configProblem !== undefined) problems.push(status.configProblem);
  if (!status.ipvs.available && status.ipvs.problem !== undefined && status.virtuals.length > 0)
    problems.push(`IPVS: ${status.ipvs.problem}`);
  return [...lines, ...problems.map((problem) => paint.bad(clip(`! ${problem}`, width)))];
}

function lastChange(look: Look): string {
  const {status, events} = look;
  const wall = Math.max(
    ...status.transitions.map((one) => one.wall),
    ...events.filter(({kind}) => kind === 'role').map((one) => one.wall),
  );
  return Number.isFinite(wall)
    ? `${duration(Math.max(0, status.wall - wall))} since the last transition`
    : 'no transition yet';
}

function groups(look: Look, paint: Paint): string[] {
  const {engine} = look.status;
  if (!engine) return [];
  const lines = [`${paint.strong('Groups')}  ${lastChange(look)}`];
  for (const group of engine.groups) {
    const here = group.role === 'Active' ? paint.good(group.role) : group.role;
    const there = engine.peers.map((peer) => {
      const role = peer.groups.find(({vrid}) => vrid === group.vrid)?.role;
      if (peer.state === 'dead') return `${peer.name} ${paint.bad('dead')}`;
      if (role === undefined || peer.state === 'unknown') return `${peer.name} ${paint.warn('not heard')}`;
      return `${peer.name} ${role === 'Active' ? paint.good(role) : role}`;
    });
    const vips = group.vips.map(({address, held}) => (held ? paint.good(address) : address)).join(' ');
    lines.push(`  ${vips || group.name}  ${engine.node} ${here}  ${there.join('  ')}`);
  }
  return lines;
}

function paths({history}: WatchView, look: Look, width: number, paint: Paint): string[] {
  const {engine} = look.status;
  if (!engine || engine.paths.length === 0) return [];
  const nameWidth = Math.min(30, Math.max(...engine.paths.map(({name}) => name.length)));
  const fixed = 2 + nameWidth + 2 + 9 + 2 + 7 + 7 + 2;
  const spark = Math.min(SPARK_MAX, width - fixed);
  const head = `${'Adverts'.padEnd(nameWidth + 2)}  ${'state'.padEnd(9)}  ${'in/s'.padStart(7)}${'out/s'.padStart(7)}`;
  const rows = engine.paths.map((path) => {
    const samples = (key: 'received' | 'sent') =>
      rates(
        history.map(({status}) => [
          status.wall,
          status.engine?.paths.find(({name}) => name === path.name)?.[key],
        ]),
      );
    const received = samples('received');
    const number = (value: number | undefined): string =>
      (value === undefined ? '-' : value.toFixed(1)).padStart(7);
    const state = path.hears ? (path.heard ? 'both ways' : 'not heard') : 'deaf';
    const painted = state === 'both ways' ? paint.good(state) : paint.bad(state.padEnd(9));
    const line = `  ${shortName(path.name, nameWidth)}  ${painted}  ${number(received.at(-1))}${number(samples('sent').at(-1))}`;
    return spark >= SPARK_MIN ? `${line}  ${sparkline(received, spark)}` : line;
  });
  return [paint.strong(head), ...rows];
}

function reals({history}: WatchView, look: Look, width: number, paint: Paint): string[] {
  const {virtuals} = look.status;
  if (virtuals.length === 0) return [];
  const names = virtuals.flatMap(({reals: all}) => all.map(({name}) => name.length));
  const nameWidth = Math.min(width < 100 ? 24 : 44, Math.max(8, ...names));
  const fixed = 2 + nameWidth + 2 + 8 + 2 + 6 + 8 + 8 + 2;
  const spark = Math.min(SPARK_MAX, width - fixed);
  const lines = [
    paint.strong('Reals'.padEnd(nameWidth + 2)) +
      `  ${'check'.padEnd(8)}  ${'weight'.padStart(6)}${'active'.padStart(8)}${'inact'.padStart(8)}` +
      (spark >= SPARK_MIN ? '  connections' : ''),
  ];
  for (const virtual of virtuals) {
    const missing = virtual.inKernel ? '' : paint.bad('  NOT in the kernel');
    lines.push(`${virtual.name} ${virtual.scheduler}${missing}`);
    const past = history.map((one) => one.status.virtuals.find(({name}) => name === virtual.name));
    // One scale for the reals of one virtual: they can be compared.
    const top = Math.max(1, ...past.flatMap((one) => (one ? one.reals.map((real) => load(one, real)) : [])));
    for (const real of virtual.reals) {
      const values = past.map((one) => {
        const then = one?.reals.find(({name}) => name === real.name);
        return one && then ? load(one, then) : undefined;
      });
      const check = real.check.padEnd(8);
      const painted =
        real.check === 'up'
          ? paint.good(check)
          : real.check === 'down'
            ? paint.bad(check)
            : real.check === 'unknown'
              ? paint.warn(check)
              : check;
      const weight = real.weight === undefined ? 'out' : String(real.weight);
      const line =
        `  ${shortName(real.name, nameWidth)}  ${painted}  ${weight.padStart(6)}` +
        `${String(real.activeConnections).padStart(8)}${String(real.inactiveConnections).padStart(8)}`;
      lines.push(spark >= SPARK_MIN ? `${line}  ${sparkline(values, spark, top)}` : line);
    }
  }
  return lines;
}

function sync({status}: Look, paint: Paint): string[] {
  const {report} = status.sync;
  if (!report) return [];
  const state = report.inSync ? paint.good('ready') : paint.bad('NOT ready');
  const there = report.there === undefined ? 'peer not heard' : `${report.there} at the peer`;
  return [`${paint.strong('Sync')}  ${state}  ${report.here} here, ${there}, missing ${report.missingHere}`];
}

function events({events: newest}: Look, width: number, paint: Paint): string[] {
  if (newest.length === 0) return [];
  return [
    paint.strong('Last events'),
    ...newest.map(({wall, level, kind, text}) => {
      const line = clip(`  ${timeOfDay(wall).slice(0, 8)}  ${text.replaceAll(/\s+/g, ' ')}`, width);
      return level === 'error'
        ? paint.bad(line)
        : level === 'warn'
          ? paint.warn(line)
          : kind === 'role'
            ? paint.strong(line)
            : line;
    }),
  ];
}

/** One frame: at most `width` columns and `height` lines. What does not fit is cut from the middle, and said. */
export function renderWatch(
  view: WatchView,
  width: number,
  height: number = Infinity,
  paint: Paint = plain,
): string[] {
  const look = view.history.at(-1);
  if (!look) return [clip(view.problem ?? 'no answer yet', width)];
  const top = [
    header(look, view, width, paint),
    groups(look, paint),
    paths(view, look, width, paint),
    sync(look, paint),
  ].filter((part) => part.length > 0);
  const middle = reals(view, look, width, paint);
  const bottom = events(look, width, paint);
  const head = top.flatMap((part, at) => (at === 0 ? part : ['', ...part]));
  const foot = bottom.length > 0 ? ['', ...bottom] : [];
  const body = middle.length > 0 ? ['', ...middle] : [];
  const room = height - head.length - foot.length;
  const cut =
    body.length > room && room >= 3
      ? [
          ...body.slice(0, room - 1),
          paint.warn(`  … ${body.length - room + 1} more lines: make the terminal higher`),
        ]
      : body;
  return [...head, ...cut, ...foot].slice(0, height).map((line) => clip(line, width));
}
