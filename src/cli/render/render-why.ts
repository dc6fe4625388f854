/** `hactl why` as one screen of text. Pure. */
import type {Millis} from '@hactl/base';
import type {EventKind} from '../../control/events.ts';
import {plain, type Paint} from './render-status.ts';
import type {Timeline, TimelineLine} from './timeline.ts';
import {duration, wrap} from './table.ts';
import {dateTime, timeOfDay} from './when.ts';
import {shown} from './shown.ts';

/** The names of the two sides on screen. */
export interface WhyView {
  readonly story: Timeline;
  /** The local node's clock now, and its name. */
  readonly now: number;
  readonly node: string;
  /** The other side: its clock difference, or why it is missing. undefined: there is no pair. */
  readonly peer?:
    {readonly node: string; readonly ahead: Millis; readonly uncertain: Millis} | {readonly problem: string};
  /** Number of checks and table changes at that time that are not shown. */
  readonly others: number;
}

/** Dropped first if there is no room for all. */
const minor: ReadonlySet<EventKind> = new Set<EventKind>(['ready', 'sync', 'config', 'ping', 'resource']);

/** In seconds: the column has no room for a unit. */
const signed = (ms: Millis): string => `${ms < 0 ? '-' : '+'}${(Math.abs(ms) / 1_000).toFixed(3)}`;

/** In milliseconds as long as that is meaningful. */
const span = (ms: Millis): string => (ms < 10_000 ? `${Math.round(ms)} ms` : duration(ms));

/** The most important lines that fit, in order. */
function fit(lines: readonly TimelineLine[], room: number): readonly TimelineLine[] {
  if (lines.length <= room) return lines;
  const rank = (line: TimelineLine): number => (line.core ? 0 : minor.has(line.kind) ? 2 : 1);
  const best = lines
    .toSorted((a, b) => rank(a) - rank(b) || Math.abs(a.offset) - Math.abs(b.offset))
    .slice(0, Math.max(1, room));
  return lines.filter((line) => best.includes(line));
}

/** The gap between the two. Less than the clocks' uncertainty is not shown as a number. */
function cost({took, giver}: Timeline, uncertain: Millis): string | undefined {
  if (took === undefined) return undefined;
  if (Math.abs(took) <= uncertain)
    return 'given up and taken over at the same time, as far as the clocks can tell';
  if (took < 0) return `taken over ${span(-took)} before it was given up: no gap`;
  return `${span(took)} from ${giver ?? 'the other'}'s last sign to the takeover`;
}

/** How the two clocks were aligned, or why there is only one. */
function sideNote({peer, node}: WhyView): string {
  if (!peer) return 'a director without a pair: its own journal is all there is';
  if ('problem' in peer) return `${node}'s side only: ${peer.problem}`;
  const {ahead, uncertain} = peer;
  const by =
    Math.abs(ahead) <= uncertain
      ? `agrees within ${duration(uncertain)}`
      : `is ${duration(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}, known to ${duration(uncertain)}`;
  return `both sides, by ${node}'s clock; ${peer.node}'s ${by}`;
}

/** The screen: at most `width` columns, and about `rows` lines. */
export function renderWhy(given: WhyView, width: number, rows = Infinity, paint: Paint = plain): string {
  const view = shown(given);
  const {story, now, peer} = view;
  const uncertain = peer && 'uncertain' in peer ? peer.uncertain : 0;
  const head = [
    ...wrap(story.title, width).map((line) => paint.strong(line)),
    ...wrap(`${dateTime(story.wall)} UTC, ${duration(now - story.wall)} ago`, width),
  ];
  const gap = cost(story, uncertain);
  if (gap !== undefined) head.push(...wrap(gap, width));
  head.push(...wrap(sideNote(view), width));
  head.push(...story.notes.flatMap((note) => wrap(note, width).map((line) => paint.warn(line))));

  const nodeWidth = Math.max(...story.lines.map(({node}) => node.length));
  const offsets = story.lines.map(({offset, core}) => (core && offset === 0 ? '' : signed(offset)));
  const offsetWidth = Math.max(...offsets.map((offset) => offset.length));
  const margin = 12 + 1 + offsetWidth + 2 + nodeWidth + 2;
  const colour = ({level, core}: TimelineLine, text: string): string => {
    if (core) return paint.strong(text);
    return level === 'error' ? paint.bad(text) : level === 'warn' ? paint.warn(text) : text;
  };

  const fitting = fit(story.lines, rows - head.length - 3);
  const body = fitting.flatMap((line) => {
    const offset = offsets[story.lines.indexOf(line)] ?? '';
    const isLocal = line.node === view.node;
    const name = line.node.padEnd(nodeWidth);
    const time = paint.faint(`${timeOfDay(line.wall)} ${offset.padStart(offsetWidth)}`);
    const prefix = `${time}  ${isLocal ? name : paint.other(name)}  `;
    return wrap(line.text, width - margin).map(
      (part, index) => (index === 0 ? prefix : ' '.repeat(margin)) + colour(line, part),
    );
  });
  const foot: string[] = [];
  const left = story.lines.length - fitting.length;
  const all = `hactl events --since "${dateTime(story.wall - 10_000).slice(0, 19)}"`;
  if (left > 0) foot.push(`${left} more lines`);
  if (view.others > 0) foot.push(`${view.others} checks and changes of the table`);
  return (
    [
      ...head,
      '',
      ...body,
      ...(foot.length > 0 ? ['', ...wrap(`not shown: ${foot.join(', ')}; ${all}`, width)] : []),
    ].join('\n') + '\n'
  );
}
