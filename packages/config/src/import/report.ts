/** The import report: the conversion of every statement. Pure. */
import {indexOf, type Source} from '../diagnostic.ts';
import {printable} from '../printable.ts';
import {hideStatement} from '../redact.ts';
import type {Fate, Note} from './imported.ts';

const rank: Readonly<Record<Fate, number>> = {exact: 0, approximated: 1, not: 2};

const titles: Readonly<Record<Fate, string>> = {
  exact: 'carried over exactly',
  approximated: 'approximated',
  not: 'not carried over',
};

/** Merges notes about the same statement: equal messages once, with the worst fate. */
function mergeNotes(sorted: readonly Note[]): Note[] {
  const merged: Note[] = [];
  for (const note of sorted) {
    const index = indexFor(note, merged);
    const previous = merged[index];
    if (previous) merged[index] = mergeTwo(previous, note);
    else merged.push(note);
  }
  return merged;
}

/** Index of the note about the same statement, or the end: notes with equal starts are adjacent at the end. */
function indexFor({span, what}: Note, merged: readonly Note[]): number {
  const first = merged.findLastIndex((previous) => previous.span.start !== span.start) + 1;
  const found = merged.slice(first).findIndex((previous) => previous.what === what);
  return found === -1 ? merged.length : first + found;
}

/** Merges two notes about the same statement. */
function mergeTwo(previous: Note, note: Note): Note {
  if (
    rank[note.fate] > rank[previous.fate] ||
    (note.fate === previous.fate && note.matters && !previous.matters)
  )
    return previous.matters ? {...note, matters: true} : note;
  const isNew =
    note.fate === previous.fate &&
    previous.message !== note.message &&
    !previous.message.split('; ').includes(note.message);
  return isNew ? {...previous, message: `${previous.message}; ${note.message}`} : previous;
}

export interface ReportLine {
  readonly fate: Fate;
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly message: string;
  /** Something will be down, unwatched or different after the switch. */
  readonly matters?: true;
}

/** The notes with line numbers, in the order of the sources. */
export function reportLines(notes: readonly Note[], sources: ReadonlyMap<string, Source>): ReportLine[] {
  const order = new Map([...sources.keys()].map((file, index) => [file, index]));
  const rankOf = (file: string): number => order.get(file) ?? -1;
  return [...Map.groupBy(notes, ({span}) => span.file)]
    .toSorted(([a], [b]) => rankOf(a) - rankOf(b))
    .flatMap(([file, notes]) => {
      const source = sources.get(file);
      const index = source && indexOf(source);
      const inOrder = notes.toSorted((a, b) => a.span.start - b.span.start);
      return mergeNotes(inOrder).map(({fate, span, what, message, matters}) => {
        const line = index?.position(span.start).line ?? 1;
        return {fate, file, line, ...hideStatement(what, message), ...(matters ? {matters} : {})};
      });
    });
}

const oneLine = (text: string): string =>
  / {2}|[^ -~‘’…→“”]/.test(text) ? printable(text.replace(/\s+/g, ' ')) : text;

/** The whole report as text, for the file: what differs after the switch first, then the rest by fate. */
export function renderReport(lines: readonly ReportLine[]): string {
  const part = (title: string, lines: readonly ReportLine[]): string =>
    [
      `${title}: ${lines.length}`,
      ...lines.map(
        (line) =>
          `  ${oneLine(line.file)}:${line.line}: ${oneLine(line.what)}\n      ${oneLine(line.message)}`,
      ),
    ].join('\n');
  const matter = lines.filter(({matters}) => matters);
  return (
    [
      ...(matter.length > 0 ? [part(DIFFERENT, matter)] : []),
      ...(['not', 'approximated', 'exact'] as const).map((fate) =>
        part(
          titles[fate],
          lines.filter((line) => line.fate === fate && !line.matters),
        ),
      ),
    ].join('\n\n') + '\n'
  );
}

const DIFFERENT = 'down, unwatched or different after the switch';
/** Line numbers shown for a folded reason. */
const LINES_SHOWN = 3;

export function countReport(
  lines: readonly ReportLine[],
): Readonly<Record<Fate, number>> & {readonly matters: number} {
  const count = (fate: Fate): number => lines.filter((line) => line.fate === fate).length;
  return {
    exact: count('exact'),
    approximated: count('approximated'),
    not: count('not'),
    matters: lines.filter(({matters}) => matters).length,
  };
}

/** Each reason once, with its statements and their first line numbers. */
function folded(lines: readonly ReportLine[]): string[] {
  const groups = new Map<string, ReportLine[]>();
  for (const line of lines) {
    const key = `${line.message}\n${line.what.split(/\s/)[0]}`;
    const group = groups.get(key);
    if (group) group.push(line);
    else groups.set(key, [line]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (!first) return '';
    const [start] = [first.what.split(/\s/)[0] ?? ''];
    const what = new Set(group.map((line) => line.what)).size === 1 ? first.what : `${start} …`;
    const lineNumbers = group
      .slice(0, LINES_SHOWN)
      .map((line, index) => (index === 0 ? `${oneLine(line.file)}:${line.line}` : String(line.line)));
    const more = group.length > LINES_SHOWN ? ` and ${group.length - LINES_SHOWN} more` : '';
    return `  ${oneLine(what)} (${lineNumbers.join(', ')}${more})\n      ${oneLine(first.message)}`;
  });
}

/**
 * The report for the screen: counts, then what is not carried over, grouped by reason, and last, colored by `red`, what will
 * be down or different.
 */
export function renderSummary(lines: readonly ReportLine[], red: (text: string) => string): string {
  const {exact, approximated, not, matters} = countReport(lines);
  const left = lines.filter((line) => line.fate === 'not' && !line.matters);
  return [
    `carried over exactly: ${exact}; approximated: ${approximated}; not carried over: ${not}`,
    ...(left.length > 0
      ? ['', `${titles.not}, without effect on the service: ${left.length}`, ...folded(left)]
      : []),
    '',
    ...(matters === 0
      ? [`${DIFFERENT}: nothing known`]
      : [
          red(`${DIFFERENT}: ${matters}`),
          ...folded(lines.filter((line) => line.matters)).map((text) =>
            text
              .split('\n')
              .map((line) => red(line))
              .join('\n'),
          ),
        ]),
    '',
  ].join('\n');
}
