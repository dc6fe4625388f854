/** Bracketed classes of Perl's regular expressions: `[a-z[:^digit:]\]]`. Pure. */
import {characterOf, literal, Untranslatable} from './perl-escape.ts';

/** The POSIX classes as ranges of code points (ASCII, as for a page of octets). */
const posix: Readonly<Record<string, string>> = {
  alpha: 'AZaz', digit: '09', alnum: '09AZaz', upper: 'AZ', lower: 'az', punct: '!/:@[`{~', xdigit: '09AFaf',
  word: '09AZ__az', space: '\t\r  ', blank: '\t\t  ', cntrl: '\0\x1f\x7f\x7f', graph: '!~', print: ' ~', ascii: '\0\x7f',
}; // prettier-ignore

const last = 0x10_ff_ff;
const range = (from: number, to: number): string =>
  from > to ? '' : `\\u{${from.toString(16)}}-\\u{${to.toString(16)}}`;

function posixClass(name: string, inverted: boolean): string {
  const pairs = posix[name];
  if (pairs === undefined) throw new Untranslatable(`there is no class [:${name}:]`);
  const codes = Array.from(pairs).map((char) => char.codePointAt(0) ?? 0);
  let out = '';
  let next = 0;
  for (let offset = 0; offset < codes.length; offset += 2) {
    const [from = 0, to = 0] = codes.slice(offset, offset + 2);
    out += inverted ? range(next, from - 1) : range(from, to);
    next = to + 1;
  }
  return inverted ? out + range(next, last) : out;
}

/** The class that starts at `at` (a `[`), and its end. */
export function classOf(text: string, offset: number): {source: string; end: number} {
  let index = offset + 1;
  let out = '[';
  if (text[index] === '^') {
    out += '^';
    index += 1;
  }
  const first = index;
  for (;;) {
    const char = text.codePointAt(index);
    if (char === undefined) throw new Untranslatable('unmatched [');
    const character = String.fromCodePoint(char);
    if (character === ']' && index > first) return {source: `${out}]`, end: index + 1};
    const named = /^\[:(\^?)(\w+):\]/.exec(text.slice(index));
    if (named) {
      out += posixClass(named[2] ?? '', named[1] === '^');
      index += named[0].length;
    } else if (character === '\\') {
      const {source, end} = inClass(text, index);
      out += source;
      index = end;
    } else {
      // A - between two characters is a range; at either end, or after a class, it is literal.
      const isRange =
        character === '-' &&
        index > first &&
        text[index + 1] !== ']' &&
        !/\\[dDwWsShHvV]$|:\]$/.test(text.slice(0, index));
      out += isRange ? '-' : literal(character);
      index += character.length;
    }
  }
}

function inClass(text: string, offset: number): {source: string; end: number} {
  if (text[offset + 1] === 'b') return {source: '\\x08', end: offset + 2};
  const {source, end} = characterOf(text, offset);
  if (source.startsWith('[^'))
    throw new Untranslatable(`${text.slice(offset, end)} inside a class is not supported`);
  return {source: source.startsWith('[') ? source.slice(1, -1) : source, end};
}
