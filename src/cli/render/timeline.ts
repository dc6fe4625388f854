/**
 * The timeline of the last role change, from the journals of one or both directors on one time scale. Pure. A change is a set
 * of transitions that belong together. The timeline starts ten seconds earlier (more if deadtime is longer) and ends five
 * seconds after it.
 */
import type {Millis, WallTime} from '@hactl/base';
import type {EventKind, JournalEvent} from '../../control/events.ts';

/** One director's journal. */
export interface Side {
  readonly node: string;
  readonly events: readonly JournalEvent[];
  /** How far its wall clock is ahead of the local node's, and the uncertainty. 0 for the local node. */
  readonly ahead: Millis;
  readonly uncertain: Millis;
}

/** One line: `wall` by the local node's clock, `offset` from the moment of the change. */
export interface TimelineLine {
  readonly wall: WallTime;
  readonly offset: Millis;
  readonly node: string;
  readonly kind: EventKind;
  readonly level: JournalEvent['level'];
  readonly text: string;
  /** Belongs to the change itself. */
  readonly core: boolean;
}

export interface Timeline {
  /** What the change was, in words. */
  readonly title: string;
  /** When it happened, by the local node's clock. */
  readonly wall: WallTime;
  /** The previous holder, if known. */
  readonly giver?: string;
  /** Time from its last sign, or its release, to the takeover; undefined: nobody took over, or nobody released. */
  readonly took?: Millis;
  readonly lines: readonly TimelineLine[];
  readonly notes: readonly string[];
}

const TOGETHER: Millis = 2_000;
const BEFORE: Millis = 10_000;
const AFTER: Millis = 5_000;
/** Paths that fall silent within this time fell silent together. */
const SILENT: Millis = 500;
/** A machine's two clocks are read one after the other: less than this is not a step. */
const STEP: Millis = 100;

/** Kinds in the timeline of a pair; checks and table changes concern one director only. */
export const timelineKinds: readonly EventKind[] = [
  'role',
  'peer',
  'path',
  'ping',
  'address',
  'resource',
  'sync',
  'ready',
  'config',
  'operator',
  'process',
  'daemon',
];

interface Seen {
  readonly event: JournalEvent;
  readonly wall: WallTime;
}

const text = (event: JournalEvent, key: string): string => String(event.data?.[key] ?? '');
const isRole = ({event}: Seen): boolean => event.kind === 'role' && event.data?.vrid !== undefined;
const gains = (seen: Seen): boolean => isRole(seen) && text(seen.event, 'to') === 'Active';
const loses = (seen: Seen): boolean => isRole(seen) && text(seen.event, 'from') === 'Active';

/** All events in order, by the local node's clock. */
const onOneScale = (sides: readonly Side[]): Seen[] =>
  sides
    .flatMap(({events, ahead}) => events.map((event) => ({event, wall: event.wall - ahead})))
    .toSorted((left, right) => left.wall - right.wall || left.event.seq - right.event.seq);

/** The last change: of the holder; if nobody ever served, of any role; without a pair, of a real server or a process. */
function findAnchor(all: readonly Seen[]): Seen | undefined {
  const lost = all.findLast(loses);
  const last = all.findLast(gains);
  // If both took it, the one that kept it counts.
  const kept = all.findLast(
    (sighting) =>
      gains(sighting) &&
      !all.some(
        (candidate) =>
          loses(candidate) &&
          candidate.event.node === sighting.event.node &&
          candidate.event.subject === sighting.event.subject &&
          candidate.event.seq > sighting.event.seq,
      ),
  );
  const gained = kept && last && last.wall - kept.wall <= TOGETHER ? kept : last;
  // The holder gave it up, and nobody took it.
  if (gained && lost && lost.wall > gained.wall && lost.event.node === gained.event.node) return lost;
  return (
    gained ??
    lost ??
    all.findLast(isRole) ??
    all.findLast(({event}) => ['check', 'table', 'process', 'config', 'operator'].includes(event.kind))
  );
}

const count = (number: number, text: string): string => `${number} ${text}${number === 1 ? '' : 's'}`;

function titleOf(anchor: Seen, core: readonly Seen[], giver: string | undefined): string {
  const {event} = anchor;
  if (!isRole(anchor)) return event.text;
  const groups = [...new Set(core.filter(isRole).map((sighting) => sighting.event.subject))];
  const what = groups.length === 1 ? event.subject : count(groups.length, 'group');
  const reason = text(event, 'reason');
  const from = giver === undefined ? '' : ` from ${giver}`;
  if (gains(anchor)) return `${event.node} took over ${what}${from}: ${reason}`;
  if (loses(anchor)) return `${event.node} gave up ${what}, and nobody took it: ${reason}`;
  return `${event.node}: ${what} is ${text(event, 'to')}: ${reason}`;
}

/** When a path that was found to be deaf fell silent; NaN: no such event. */
function silentSince({event, wall}: Seen): WallTime {
  const {hears, lastHeard} = event.data ?? {};
  return hears === false && typeof lastHeard === 'number' ? wall - (event.wall - lastHeard) : NaN;
}

/** The last adverts before the silence, at their own time: from the paths' events, else from the peer's death. */
function lastSigns(window: readonly Seen[]): Seen[] {
  const signs: Seen[] = [];
  const deaf = window
    .filter((seen) => !Number.isNaN(silentSince(seen)))
    .toSorted((left, right) => silentSince(left) - silentSince(right));
  for (const seen of deaf) {
    const wall = silentSince(seen);
    // `mcast eth0 225.0.0.1:694`: the medium and the device are enough.
    const name = seen.event.subject.split(' ').slice(0, 2).join(' ');
    const index = signs.findIndex((sign) => sign.event.node === seen.event.node && wall - sign.wall < SILENT);
    const before = signs[index];
    const text = before ? `${before.event.text}, ${name}` : `the last advert is heard: ${name}`;
    const sign: Seen = {wall, event: {...seen.event, level: 'info', text}};
    if (before) signs[index] = sign;
    else signs.push(sign);
  }
  for (const {event, wall} of window) {
    const {code, silence} = event.data ?? {};
    if (code !== 'peer-dead' || typeof silence !== 'number') continue;
    if (signs.some((sign) => sign.event.node === event.node && sign.event.kind === 'path')) continue;
    signs.push({
      wall: wall - silence,
      event: {...event, level: 'info', text: `the last advert of ${event.subject} is heard`},
    });
  }
  return signs;
}

/** Wall clock steps during the timeline, detected with the monotonic clock. */
function steps(window: readonly Seen[]): string[] {
  const notes: string[] = [];
  for (const node of new Set(window.map(({event}) => event.node))) {
    const sightings = window
      .filter(({event}) => event.node === node)
      .toSorted((a, b) => a.event.seq - b.event.seq);
    for (const [index, {event}] of sightings.entries()) {
      const before = sightings[index - 1]?.event;
      // A smaller number: the machine was rebooted.
      if (!before || event.mono < before.mono) continue;
      const step = event.wall - before.wall - (event.mono - before.mono);
      if (Math.abs(step) >= STEP)
        notes.push(
          `${node}'s clock was set by ${Math.round(step)} ms in between: its times are not comparable`,
        );
    }
  }
  return notes;
}

/** The timeline of the last change, or of the last one not after `until`. undefined: there is none in the journals. */
export function makeTimeline(sides: readonly Side[], until: WallTime = Infinity): Timeline | undefined {
  const all = onOneScale(sides);
  const anchor = findAnchor(all.filter(({wall}) => wall <= until));
  if (!anchor) return undefined;
  const pair = isRole(anchor);
  const belongs = pair ? isRole : ({event}: Seen): boolean => event.kind === anchor.event.kind;
  const core: Seen[] = [anchor];
  for (const sighting of all.filter((seen) => belongs(seen) && seen.wall <= anchor.wall).toReversed())
    if (sighting !== anchor && (core.at(-1) ?? anchor).wall - sighting.wall <= TOGETHER) core.push(sighting);
  for (const sighting of all)
    if (belongs(sighting) && sighting.wall > anchor.wall && sighting.wall - anchor.wall <= TOGETHER)
      core.unshift(sighting);
  core.reverse();
  const first = core[0]?.wall ?? anchor.wall;

  const causes = all.filter(
    ({event, wall}) => event.kind === 'peer' && wall <= anchor.wall && first - wall < 1_000,
  );
  const silence = Math.max(0, ...causes.map(({event}) => Number(event.data?.silence ?? 0)));
  const from = first - Math.max(BEFORE, silence + 1_000);
  const window = all.filter(({wall}) => wall >= from && wall <= anchor.wall + AFTER);
  const signs = lastSigns(window).filter(({wall}) => wall <= anchor.wall);
  const shown = window.filter(
    (sighting) =>
      (!pair || timelineKinds.includes(sighting.event.kind)) &&
      // Every path of a returning peer reports it; one line for the peer is enough.
      !(sighting.event.kind === 'path' && sighting.event.level === 'info') &&
      !(silentSince(sighting) <= anchor.wall),
  );
  const lines = [...shown, ...signs].toSorted((a, b) => a.wall - b.wall || a.event.seq - b.event.seq);

  const served = core.findLast((sighting) => loses(sighting) && sighting.event.node !== anchor.event.node);
  const dead = causes.findLast(
    ({event}) => event.data?.code === 'peer-dead' && event.node === anchor.event.node,
  );
  const previousHolder = served?.event.node ?? dead?.event.subject;
  const since = served?.wall ?? (dead ? dead.wall - Number(dead.event.data?.silence ?? 0) : undefined);
  const groups = new Set(lines.filter(isRole).map(({event}) => event.subject));
  /** If all lines are about one group its name is not repeated. */
  const short = ({event}: Seen): string =>
    groups.size === 1 && event.text.startsWith(`${event.subject}: `) && event.kind === 'role'
      ? event.text.slice(event.subject.length + 2)
      : event.text;
  return {
    title: titleOf(anchor, core, previousHolder),
    ...(previousHolder === undefined ? {} : {giver: previousHolder}),
    wall: anchor.wall,
    ...(gains(anchor) && since !== undefined ? {took: anchor.wall - since} : {}),
    lines: lines.map((line) => ({
      wall: line.wall,
      offset: line.wall - anchor.wall,
      node: line.event.node,
      kind: line.event.kind,
      level: line.event.level,
      text: short(line),
      core: core.some(({event}) => event === line.event),
    })),
    notes: steps(window),
  };
}
