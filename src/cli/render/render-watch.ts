/** `hactl watch`: the last snapshot and the minute before it → one frame of lines. Pure. */
import type {JournalEvent} from '../../control/events.ts';
import type {RealStatus, StatusSnapshot, VirtualStatus} from '../../control/protocol.ts';
import {plain, type Paint} from './render-status.ts';
import {clip, duration} from './table.ts';
import {shown, shownLine} from './shown.ts';
import {timeOfDay} from './when.ts';

/** One answer of the daemon. */
export interface Look {
  readonly status: StatusSnapshot;
  readonly events: readonly JournalEvent[];
}

/** What is kept of a snapshot once the next one arrives: with ten thousand real servers whole snapshots would be too large. */
export interface Sample {
  readonly wall: number;
  readonly paths: ReadonlyMap<string, {readonly received: number; readonly sent: number}>;
  /** By virtual and real. */
  readonly loads: ReadonlyMap<string, number>;
  /** The highest load of each virtual service's real servers. */
  readonly tops: ReadonlyMap<string, number>;
}

export interface WatchView {
  /** The last answer. */
  readonly look?: Look;
  /** Oldest first, one per second, including the last answer: for the sparklines. */
  readonly samples: readonly Sample[];
  /** Why the last request failed. */
  readonly problem?: string;
}

const BARS = '▁▂▃▄▅▆▇█';
const SPARK_MIN = 8;
const SPARK_MAX = 60;

/** A number for each second as bars, the newest at the right; the highest one fills its cell. `top`: at least this. */
export function sparkline(values: readonly (number | undefined)[], width: number, top = 1): string {
  const newest = values.slice(-width);
  const most = Math.max(top, ...newest.map((value) => value ?? 0));
  const bars = newest.map((value) => {
    if (value === undefined) return ' ';
    // Only zero has the lowest bar.
    return BARS[value <= 0 ? 0 : Math.max(1, Math.round((value / most) * (BARS.length - 1)))] ?? ' ';
  });
  return bars.join('').padStart(width);
}

/** Connections that load a real server: established ones for TCP, all entries for stateless protocols. */
export const load = (virtual: VirtualStatus, real: RealStatus): number =>
  real.activeConnections + (virtual.name.startsWith('tcp ') ? 0 : real.inactiveConnections);

const keyOf = (virtual: VirtualStatus, real: RealStatus): string => `${virtual.name}\n${real.name}`;

export function sampleOf({wall, engine, virtuals}: StatusSnapshot): Sample {
  const loads = new Map<string, number>();
  const tops = new Map<string, number>();
  for (const virtual of virtuals)
    for (const real of virtual.reals) {
      const now = load(virtual, real);
      loads.set(keyOf(virtual, real), now);
      tops.set(virtual.name, Math.max(tops.get(virtual.name) ?? 0, now));
    }
  return {wall, paths: new Map(engine?.paths.map((path) => [path.name, path])), loads, tops};
}

/** The increase of a counter per second; undefined where it was reset. */
export function rates(
  samples: readonly (readonly [wall: number, count: number | undefined])[],
): (number | undefined)[] {
  return samples.slice(1).map(([wall, count], index) => {
    const [wallBefore, before] = samples[index] ?? [wall, undefined];
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
  const problems = [...(view.problem === undefined ? [] : [shownLine(view.problem)]), ...status.problems];
  if (status.configProblem !== undefined) problems.push(status.configProblem);
  if (!status.ipvs.available && status.ipvs.problem !== undefined && status.virtuals.length > 0)
    problems.push(`IPVS: ${status.ipvs.problem}`);
  return [...lines, ...problems.map((problem) => paint.bad(clip(`! ${problem}`, width)))];
}

function lastChange(look: Look): string {
  const {status, events} = look;
  const wall = Math.max(
    ...status.transitions.map((transition) => transition.wall),
    ...events.filter(({kind}) => kind === 'role').map((event) => event.wall),
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
    const shownRole = group.role === 'Active' ? paint.good(group.role) : group.role;
    const remote = engine.peers.map((peer) => {
      const role = peer.groups.find(({vrid}) => vrid === group.vrid)?.role;
      if (peer.state === 'dead') return `${peer.name} ${paint.bad('dead')}`;
      if (role === undefined || peer.state === 'unknown') return `${peer.name} ${paint.warn('not heard')}`;
      return `${peer.name} ${role === 'Active' ? paint.good(role) : role}`;
    });
    const vips = group.vips.map(({address, held}) => (held ? paint.good(address) : address)).join(' ');
    lines.push(`  ${vips || group.name}  ${engine.node} ${shownRole}  ${remote.join('  ')}`);
  }
  return lines;
}

function paths({samples: seen}: WatchView, look: Look, width: number, paint: Paint): string[] {
  const {engine} = look.status;
  if (!engine || engine.paths.length === 0) return [];
  const nameWidth = Math.min(30, Math.max(...engine.paths.map(({name}) => name.length)));
  const fixed = 2 + nameWidth + 2 + 9 + 2 + 7 + 7 + 2;
  const spark = Math.min(SPARK_MAX, width - fixed);
  const head = `${'Adverts'.padEnd(nameWidth + 2)}  ${'state'.padEnd(9)}  ${'in/s'.padStart(7)}${'out/s'.padStart(7)}`;
  const rows = engine.paths.map((path) => {
    const samples = (key: 'received' | 'sent') =>
      rates(seen.map((sample) => [sample.wall, sample.paths.get(path.name)?.[key]]));
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

/** The table of real servers, at most `room` lines: invisible lines are not rendered. */
function reals({samples}: WatchView, look: Look, width: number, room: number, paint: Paint): string[] {
  const {virtuals} = look.status;
  const total = virtuals.reduce((sum, virtual) => sum + 1 + virtual.reals.length, 0);
  if (total === 0 || room < 3) return [];
  const longest = Math.max(...virtuals.map(({reals: all}) => longestName(all)));
  const nameWidth = Math.min(width < 100 ? 24 : 44, Math.max(8, longest));
  const fixed = 2 + nameWidth + 2 + 8 + 2 + 6 + 8 + 8 + 2;
  const spark = Math.min(SPARK_MAX, width - fixed);
  const lines = [
    paint.strong('Reals'.padEnd(nameWidth + 2)) +
      `  ${'check'.padEnd(8)}  ${'weight'.padStart(6)}${'active'.padStart(8)}${'inact'.padStart(8)}` +
      (spark >= SPARK_MIN ? '  connections' : ''),
  ];
  const last = total + 1 > room ? room - 1 : total + 1;
  for (const virtual of virtuals) {
    if (lines.length >= last) break;
    const missing = virtual.inKernel ? '' : paint.bad('  NOT in the kernel');
    lines.push(`${virtual.name} ${virtual.scheduler}${missing}`);
    // One scale for the real servers of one virtual service: they can be compared.
    const top = Math.max(1, ...samples.map(({tops}) => tops.get(virtual.name) ?? 0));
    for (const real of virtual.reals) {
      if (lines.length >= last) break;
      const weight = real.weight === undefined ? 'out' : String(real.weight);
      const line =
        `  ${shortName(real.name, nameWidth)}  ${checkWord(real, paint)}  ${weight.padStart(6)}` +
        `${String(real.activeConnections).padStart(8)}${String(real.inactiveConnections).padStart(8)}`;
      const values = samples.map(({loads}) => loads.get(keyOf(virtual, real)));
      lines.push(spark >= SPARK_MIN ? `${line}  ${sparkline(values, spark, top)}` : line);
    }
  }
  const left = total + 1 - lines.length;
  return left > 0
    ? [...lines, paint.warn(`  … ${left} more lines: enlarge the terminal to see them`)]
    : lines;
}

const longestName = (all: readonly RealStatus[]): number =>
  all.reduce((longest, {name}) => Math.max(longest, name.length), 0);

function checkWord({check}: RealStatus, paint: Paint): string {
  const word = check.padEnd(8);
  if (check === 'up') return paint.good(word);
  if (check === 'down') return paint.bad(word);
  return check === 'unknown' ? paint.warn(word) : word;
}

function sync({status}: Look, paint: Paint): string[] {
  const {report} = status.sync;
  if (!report) return [];
  const state = report.inSync ? paint.good('ready') : paint.bad('NOT ready');
  const remote = report.there === undefined ? 'peer not heard' : `${report.there} at the peer`;
  return [`${paint.strong('Sync')}  ${state}  ${report.here} here, ${remote}, missing ${report.missingHere}`];
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

/** One frame: at most `width` columns and `height` lines. What does not fit is cut from the middle, with a note. */
export function renderWatch(
  view: WatchView,
  width: number,
  height: number = Infinity,
  paint: Paint = plain,
): string[] {
  const look = shown(view.look);
  if (!look) return [clip(shownLine(view.problem ?? 'no answer yet'), width)];
  const head = [
    header(look, view, width, paint),
    groups(look, paint),
    paths(view, look, width, paint),
    sync(look, paint),
  ].flatMap((part, index) => (index === 0 || part.length === 0 ? part : ['', ...part]));
  const bottom = events(look, width, paint);
  const foot = bottom.length > 0 ? ['', ...bottom] : [];
  const middle = reals(view, look, width, height - head.length - foot.length - 1, paint);
  const body = middle.length > 0 ? ['', ...middle] : [];
  return [...head, ...body, ...foot].slice(0, height).map((line) => clip(line, width));
}
