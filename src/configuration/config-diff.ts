/** Two texts line by line, as `diff -u` shows them, without secrets. Pure. */
import {redactKeyLine, redactLine} from '@hactl/config';

interface Step {
  readonly sign: ' ' | '-' | '+';
  readonly line: string;
}

const CONTEXT = 3;
/** Beyond this many cells the middle is shown as replaced whole: nobody reads such a diff line by line. */
const MAX_CELLS = 4_000_000;

/** The longest common subsequence between two lists of lines, as steps from one to the other. */
function steps(from: readonly string[], to: readonly string[]): Step[] {
  const [rows, columns] = [from.length, to.length];
  if (rows * columns > MAX_CELLS)
    return [...from.map((line): Step => ({sign: '-', line})), ...to.map((line): Step => ({sign: '+', line}))];
  const width = columns + 1;
  const common = new Uint32Array((rows + 1) * width);
  const cell = (row: number, column: number): number => common[row * width + column] ?? 0;
  for (let row = rows - 1; row >= 0; row -= 1)
    for (let column = columns - 1; column >= 0; column -= 1)
      common[row * width + column] =
        from[row] === to[column]
          ? cell(row + 1, column + 1) + 1
          : Math.max(cell(row + 1, column), cell(row, column + 1));
  const found: Step[] = [];
  let [row, column] = [0, 0];
  while (row < rows || column < columns) {
    const [one, other] = [from[row], to[column]];
    if (row < rows && column < columns && one === other) {
      found.push({sign: ' ', line: one ?? ''});
      row += 1;
      column += 1;
    } else if (row < rows && (column >= columns || cell(row + 1, column) >= cell(row, column + 1))) {
      found.push({sign: '-', line: one ?? ''});
      row += 1;
    } else {
      found.push({sign: '+', line: other ?? ''});
      column += 1;
    }
  }
  return found;
}

const linesOf = (text: string | undefined): string[] =>
  text === undefined || text === '' ? [] : text.replace(/\n$/, '').split('\n');

/** `undefined` as a text means there is no such file. Empty when both are the same. */
export function diffText(name: string, from: string | undefined, to: string | undefined): string[] {
  if (from === to) return [];
  const redact = /authkeys[^/]*$/i.test(name) ? redactKeyLine : redactLine;
  const all = steps(linesOf(from), linesOf(to));
  const near = (index: number): boolean =>
    all.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({sign}) => sign !== ' ');
  const lines = [`--- ${from === undefined ? '(none)' : name}`, `+++ ${to === undefined ? '(none)' : name}`];
  let [left, right, open] = [1, 1, false];
  for (const [index, {sign, line}] of all.entries()) {
    if (near(index)) {
      if (!open) lines.push(`@@ line ${left}, now ${right} @@`);
      open = true;
      lines.push(`${sign}${redact(line)}`);
    } else open = false;
    if (sign !== '+') left += 1;
    if (sign !== '-') right += 1;
  }
  return lines;
}
