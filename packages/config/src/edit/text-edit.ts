/** Edits a text by spans; everything else stays the same, octet for octet. Pure. */

/** Replaces the characters from `start` up to `end` (offsets in the text before any edit). */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/** Applies edits that do not overlap, in any order. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  return edits
    .toSorted((left, right) => right.start - left.start)
    .reduce(
      (result, {start, end, replacement}) => result.slice(0, start) + replacement + result.slice(end),
      text,
    );
}

/** The file's line ending, also used for new lines. */
export const lineEnd = (text: string): '\r\n' | '\n' => (/\r\n/.test(text) ? '\r\n' : '\n');

/** The span of the whole line containing `offset`, including its line end. */
export function wholeLine(text: string, offset: number): {start: number; end: number} {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const next = text.indexOf('\n', offset);
  return {start, end: next === -1 ? text.length : next + 1};
}

/** Inserts a line after the line containing `offset`, whether or not that line ends with a line break. */
export function insertAfterLine(text: string, offset: number, line: string): TextEdit {
  const {end} = wholeLine(text, offset);
  const eol = lineEnd(text);
  const ended = end > 0 && text[end - 1] === '\n';
  return {start: end, end, replacement: ended ? `${line}${eol}` : `${eol}${line}`};
}
