/** The list of what became of every statement. Pure. */
import {indexOf, type Source} from '../diagnostic.ts';
import type {Fate, Note} from './imported.ts';

const rank: Readonly<Record<Fate, number>> = {exact: 0, approximated: 1, not: 2};

const titles: Readonly<Record<Fate, string>> = {
  exact: 'carried over exactly',
  approximated: 'approximated',
  not: 'not carried over',
};

/** One note for each stretch of the source: what says the same twice is said once, and the worst fate counts. */
export function mergeNotes(notes: readonly Note[]): Note[] {
  const merged = new Map<string, Note>();
  for (const note of notes) {
    const key = `${note.span.file} ${note.span.start} ${note.what}`;
    const other = merged.get(key);
    if (!other) merged.set(key, note);
    else if (rank[note.fate] > rank[other.fate]) merged.set(key, note);
    else if (
      note.fate === other.fate &&
      !other.message.split('; ').includes(note.message) &&
      other.message !== note.message
    )
      merged.set(key, {...other, message: `${other.message}; ${note.message}`});
  }
  return [...merged.values()];
}

export interface ReportLine {
  readonly fate: Fate;
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly message: string;
}

/** The notes with their lines, in the order of the sources. */
export function reportLines(notes: readonly Note[], sources: ReadonlyMap<string, Source>): ReportLine[] {
  const order = new Map([...sources.keys()].map((file, index) => [file, index]));
  const rankOf = (file: string): number => order.get(file) ?? -1;
  return mergeNotes(notes)
    .toSorted((a, b) => rankOf(a.span.file) - rankOf(b.span.file) || a.span.start - b.span.start)
    .map(({fate, span, what, message}) => {
      const source = sources.get(span.file);
      const line = source ? indexOf(source).position(span.start).line : 1;
      return {fate, file: span.file, line, what, message};
    });
}

/** The whole list as text: what needs a reader's eye comes first. */
export function renderReport(lines: readonly ReportLine[]): string {
  const parts = (['not', 'approximated', 'exact'] as const).map((fate) => {
    const own = lines.filter((line) => line.fate === fate);
    return [
      `${titles[fate]}: ${own.length}`,
      ...own.map(
        (line) => `  ${line.file}:${line.line}: ${line.what.replace(/\s+/g, ' ')}\n      ${line.message}`,
      ),
    ].join('\n');
  });
  return parts.join('\n\n') + '\n';
}
