/** Offsets of a text as lines and columns. Pure. */

export interface Position {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface LineIndex {
  /** By binary search; the text is read once. */
  readonly position: (offset: number) => Position;
  /** The line without its line break; from 1. */
  readonly line: (number: number) => string;
}

export function lineIndex(text: string): LineIndex {
  const starts = [0];
  for (let offset = text.indexOf('\n'); offset !== -1; offset = text.indexOf('\n', offset + 1))
    starts.push(offset + 1);
  return {
    position: (offset) => {
      let [low, high] = [0, starts.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((starts[middle] ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      return {line: low + 1, column: Math.min(offset, text.length) - (starts[low] ?? 0) + 1};
    },
    line: (number) => {
      const start = starts[number - 1];
      if (start === undefined) return '';
      return text.slice(start, (starts[number] ?? text.length + 1) - 1).replace(/\r$/, '');
    },
  };
}

/** Line and column, from 1, of one offset. For many offsets of one text, use its index. */
export const position = (text: string, offset: number): Position => lineIndex(text).position(offset);
