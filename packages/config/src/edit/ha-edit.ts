/** Edits ha.cf line by line; everything else is unchanged. Pure. */
import {fail, ok, type Result} from '@hactl/base';
import {countingOf, linesNamed, listedWords, writtenHa, writtenLines, type WrittenLine} from './ha-lines.ts';
import {applyEdits, insertAfterLine, lineEnd, wholeLine, type TextEdit} from './text-edit.ts';

const removeLine = (text: string, {head}: WrittenLine): TextEdit => ({
  ...wholeLine(text, head.span.start),
  replacement: '',
});

/** Replaces the value, keeping the comment after it. */
function replaceValue({value, valueStart, words}: WrittenLine, to: string): TextEdit {
  return {
    start: valueStart,
    end: valueStart + value.length,
    replacement: words.length === 0 ? ` ${to}` : to,
  };
}

/** Appends a line to the file. */
const appended = (text: string, line: string): TextEdit =>
  text === ''
    ? {start: 0, end: 0, replacement: `${line}\n`}
    : insertAfterLine(text, text.length - (text.endsWith('\n') ? 1 : 0), line);

/** Removes words; the remaining words and lines keep their positions. */
function setWords(text: string, lines: readonly WrittenLine[], wanted: readonly string[]): TextEdit[] {
  const listed = listedWords(lines);
  if (listed.length === wanted.length)
    return listed.flatMap(({text: word, span}, index) => {
      const to = wanted[index] ?? word;
      return to === word ? [] : [{start: span.start, end: span.end, replacement: to}];
    });
  const kept = listed.filter(({text: word}) => wanted.includes(word));
  const more = wanted.slice(kept.length);
  const left = lines.filter((line) => line.words.some((word) => kept.includes(word)));
  return lines.flatMap((line) => {
    if (!left.includes(line)) return [removeLine(text, line)];
    const staying = line.words.filter((word) => kept.includes(word)).map((word) => word.text);
    const value = [...staying, ...(line === left.at(-1) ? more : [])].join(' ');
    return staying.length === line.words.length && value === staying.join(' ')
      ? []
      : [replaceValue(line, value)];
  });
}

/** All words on the first line: the fallback for a different order or for repeated words. */
const rewriteWords = (text: string, [first, ...others]: readonly WrittenLine[], value: string): TextEdit[] =>
  first ? [replaceValue(first, value), ...others.map((line) => removeLine(text, line))] : [];

/** Keeps the lines before and after the change; a line that differs is changed in place. */
function setLines(
  text: string,
  name: string,
  lines: readonly WrittenLine[],
  wanted: readonly string[],
): TextEdit[] {
  const shorter = Math.min(lines.length, wanted.length);
  const isSame = (index: number): boolean => lines.at(index)?.value === wanted.at(index);
  const indexes = Array.from({length: shorter}, (_, index) => index);
  const front = indexes.find((index) => !isSame(index)) ?? shorter;
  const back = indexes.find((index) => index >= shorter - front || !isSame(-1 - index)) ?? shorter - front;
  const before = lines.slice(front, lines.length - back);
  const after = wanted.slice(front, wanted.length - back);
  const more = after.slice(before.length).map((value) => `${name} ${value}`);
  const anchor = before.at(-1) ?? lines[front - 1];
  const next = lines[front];
  const eol = lineEnd(text);
  const added = more.join(eol);
  const place = next && wholeLine(text, next.head.span.start).start;
  return [
    ...before.map((line, index) => {
      const value = after[index];
      return value === undefined ? removeLine(text, line) : replaceValue(line, value);
    }),
    ...(more.length === 0
      ? []
      : anchor
        ? [insertAfterLine(text, anchor.head.span.start, added)]
        : place !== undefined
          ? [{start: place, end: place, replacement: `${added}${eol}`}]
          : [appended(text, added)]),
  ];
}

/**
 * Sets a directive of ha.cf, or removes it with `undefined`. A single value (`keepalive`) is changed in the last line, which is
 * the effective one; for a list of words (`node`) `value` is the whole list, over however many lines; for a list of lines
 * (`ucast`) it has one line for each.
 */
export function editHaCf(text: string, name: string, value: string | undefined): Result<string, string> {
  const counting = countingOf(name);
  if (!/^[a-z_0-9]+$/i.test(name) || (value !== undefined && /[\r\0#\u0085\u2028\u2029]/.test(value)))
    return fail('a directive is one word, its value text without #');
  if (counting !== 'lines' && value?.includes('\n')) return fail(`${name} is one line`);
  const lines = linesNamed(writtenLines(text), name);
  if (value === undefined)
    return ok(
      applyEdits(
        text,
        lines.map((line) => removeLine(text, line)),
      ),
    );
  if (writtenHa(text, name) === value) return ok(text);
  if (counting === 'lines') {
    const wanted = value.split('\n').map((line) => line.trim()).filter((line) => line !== ''); // prettier-ignore
    return ok(applyEdits(text, setLines(text, name, lines, wanted)));
  }
  const last = lines.at(-1);
  if (!last) return ok(applyEdits(text, [appended(text, `${name} ${value}`)]));
  if (counting === 'words') {
    const wanted = value.trim().split(/\s+/);
    const next = applyEdits(text, setWords(text, lines, wanted));
    const all = wanted.join(' ');
    return ok(writtenHa(next, name) === all ? next : applyEdits(text, rewriteWords(text, lines, all)));
  }
  const {start, end} = last.head.span;
  return ok(
    applyEdits(text, [
      // The old name has the opposite meaning.
      ...(last.name === name ? [] : [{start, end, replacement: name}]),
      replaceValue(last, value),
    ]),
  );
}
