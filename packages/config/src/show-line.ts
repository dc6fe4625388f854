/** A line of a file as a diagnostic quotes it: without secrets and control characters, cut to the terminal's width. Pure. */
import {printable} from './printable.ts';
import {HIDDEN, secretRanges, type Range} from './redact.ts';

/** The maximum width of a quoted line, in columns. */
const WIDTH = 80;
const CUT = '…';

export interface ShownLine {
  readonly text: string;
  /** The column of the first caret, from 0. */
  readonly start: number;
  readonly length: number;
}

/** One character of the line, or a whole secret, with its displayed text. */
interface Cell extends Range {
  readonly shown: string;
}

function cellsOf(line: string): Cell[] {
  const cells: Cell[] = [];
  let offset = 0;
  const plain = (end: number): void => {
    while (offset < end) {
      const character = String.fromCodePoint(line.codePointAt(offset) ?? 0x20);
      const shown = character === '\t' ? ' ' : printable(character);
      cells.push({start: offset, end: offset + character.length, shown});
      offset += character.length;
    }
  };
  for (const {start, end} of secretRanges(line)) {
    plain(start);
    cells.push({start, end, shown: HIDDEN});
    offset = end;
  }
  plain(line.length);
  return cells;
}

/** `from` and `to` are offsets in the line. At least one caret is left. */
export function showLine(line: string, from: number, to: number): ShownLine {
  const cells = cellsOf(line);
  const widthOf = (some: readonly Cell[]): number => some.reduce((sum, {shown}) => sum + shown.length, 0);
  const text = cells.map(({shown}) => shown).join('');
  const start = widthOf(cells.filter((cell) => cell.end <= from));
  const end = Math.max(start + 1, widthOf(cells.filter((cell) => cell.start < to)));
  if (text.length <= WIDTH) return {text, start, length: Math.max(1, Math.min(end, text.length) - start)};
  // A third of the width before the caret, the rest after it.
  const first = Math.max(0, Math.min(start - Math.floor(WIDTH / 3), text.length - WIDTH));
  const last = Math.min(text.length, first + WIDTH);
  const [before, after] = [first > 0 ? CUT : '', last < text.length ? CUT : ''];
  const shown = before + text.slice(first + before.length, last - after.length) + after;
  const caret = start - first;
  return {text: shown, start: caret, length: Math.max(1, Math.min(end - first, shown.length) - caret)};
}
