/** Rejects what a text file must not contain: invisible characters, and encodings other than UTF-8. Pure. */
import type {Fix} from './diagnostic.ts';
import {characterName} from './printable.ts';
import type {Reporter} from './reader.ts';

const blanks = /[\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]/;
const suspect =
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  /[\0-\x08\x0E-\x1F\x7F-\xA0\xAD\u061C\u1680\u180E\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\uFEFF]/g;

/** Is the text UTF-16 that was read as UTF-8? Its byte order mark is invalid UTF-8, and every second octet of ASCII is NUL. */
function isWide(text: string): boolean {
  const head = text.slice(0, 200);
  const zeros = head.split('\0').length - 1;
  return (text.startsWith('\uFFFD\uFFFD') && zeros > 0) || (zeros > 3 && zeros >= head.length / 3);
}

/** Comments and quoted texts in a line, where invisible characters are harmless. */
function harmless(line: string): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  for (const match of line.matchAll(/#.*$|"[^"]*"/g))
    ranges.push([match.index, match.index + match[0].length]);
  return ranges;
}

/** A byte order mark becomes a blank; ldirectord.cf, where a leading blank matters, has its own rule. */
function withoutMark(text: string, reporter: Reporter): string {
  if (!text.startsWith('\uFEFF') || !reporter.blankMark) return text;
  const span = reporter.span(0, 1);
  reporter.repair('byte-order-mark', span, 'the file starts with a byte order mark', 'no mark', [
    {span, replacement: ''},
  ]);
  return ` ${text.slice(1)}`;
}

/**
 * The text as the parsers read it: the same length, with every other blank turned into a space. undefined: not a text,
 * which has been reported. Invisible characters are reported once for each line.
 */
export function cleanText(written: string, reporter: Reporter): string | undefined {
  const {file} = reporter;
  const text = withoutMark(written, reporter);
  if (text.length > 0 && /^\0+$/.test(text)) {
    reporter.error(
      'not-text',
      reporter.span(0, 1),
      'the file holds nothing but NUL characters, as after a power loss',
      'restore it from a backup, or copy it from the peer; hactl config log lists the versions that were in use',
    );
    return undefined;
  }
  if (isWide(text)) {
    reporter.error(
      'not-text',
      reporter.span(0, 1),
      'the file is UTF-16, as some editors on Windows save it',
      `convert it to UTF-8: iconv -f UTF-16 -t UTF-8 ${file} >new && cat new >${file}`,
    );
    return undefined;
  }
  if (text.search(suspect) === -1) return text;
  const lines = text.split('\n');
  const starts = [0];
  for (const [index, line] of lines.entries()) starts.push((starts[index] ?? 0) + line.length + 1);
  return lines.map((line, index) => cleanLine(line, starts[index] ?? 0, reporter)).join('\n');
}

function cleanLine(line: string, start: number, reporter: Reporter): string {
  const hidden = [...line.matchAll(suspect)].filter(
    ({0: character, index}) =>
      !(character === '\uFEFF' && start + index === 0) &&
      !harmless(line).some(([from, to]) => index >= from && index < to),
  );
  const [first] = hidden;
  if (!first) return line;
  const bad = hidden.find(({0: character}) => !blanks.test(character));
  const spanAt = (index: number) => reporter.span(start + index, start + index + 1);
  if (bad) {
    const isNul = bad[0] === '\0';
    reporter.error(
      'invisible-character',
      spanAt(bad.index),
      `the line holds ${characterName(bad[0])}`,
      isNul
        ? 'the file is damaged or not a text file: restore it, or type the line again'
        : 'delete it, or type the line again',
    );
    return line.replaceAll(suspect, ' ');
  }
  const fix: Fix[] = hidden.map(({index}) => ({span: spanAt(index), replacement: ' '}));
  reporter.repair(
    'invisible-character',
    spanAt(first.index),
    `the line holds ${characterName(first[0])}, as text copied from a web page does`,
    'an ordinary blank',
    fix,
  );
  return hidden.reduce((clean, {index}) => `${clean.slice(0, index)} ${clean.slice(index + 1)}`, line);
}
