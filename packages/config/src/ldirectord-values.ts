/** Values of ldirectord.cf: numbers, yes and no, words, quoted texts, servers. Pure. */
import {translatePerlRegex} from '@hactl/regex';
import {type Millis} from '@hactl/base';
import {nearest} from './diagnostic.ts';
import type {Directive} from './ldirectord-line.ts';
import type {StatusRange} from './model.ts';
import type {Reporter} from './reader.ts';
import {parseTime} from './units.ts';

/** Quotes that a word processor made. */
export const curly = /[\u201C\u201D\u201E\u201F\u00AB\u00BB]/g;

/** ldirectord refuses 0 here but accepts 00. At the top of the file it compares the two timeouts as numbers. */
const takesZeros = (directive: Directive): boolean =>
  directive.indented ? true : directive.name !== 'checktimeout' && directive.name !== 'negotiatetimeout';

/** A number as ldirectord reads it: the first run of digits. Lenient mode honours a unit and reports a difference. */
export function parseNumber(directive: Directive, least: number, reporter: Reporter): number | undefined {
  const text = directive.value.trim();
  const digits = /\d+/.exec(text)?.[0];
  if (digits !== undefined && /^00+$/.test(digits) && takesZeros(directive)) {
    const message = `${directive.name}=${digits} is zero, which ldirectord accepts in this spelling`;
    reporter.add('warning', 'unusable-value', directive.valueSpan, message, `read as ${least}`);
    return least;
  }
  if (digits === undefined || Number(digits) < least) {
    reporter.error(
      'bad-value',
      directive.valueSpan,
      `invalid ${directive.name} value "${text}"`,
      `${directive.name} takes a whole number, at least ${least}`,
    );
    return undefined;
  }
  if (!/^\d+\s*(#.*)?$/.test(text))
    reporter.add(
      'warning',
      'trailing-text',
      directive.valueSpan,
      `${directive.name} has more than a number: "${text}"`,
      `read as ${digits}`,
      [{span: directive.valueSpan, replacement: digits}],
    );
  return Number(digits);
}

/** Seconds as ldirectord reads them; `500ms` and `2.5s` mean what they say in lenient mode (ours). */
export function parseSeconds(directive: Directive, least: number, reporter: Reporter): Millis | undefined {
  const text = directive.value.trim();
  if (reporter.mode === 'lenient' && !/^\d+$/.test(text)) {
    const time = parseTime(text);
    if (time !== undefined && time > 0) return time;
  }
  const number = parseNumber(directive, least, reporter);
  return number === undefined ? undefined : number * 1_000;
}

export function parseYesNo(directive: Directive, reporter: Reporter): boolean | undefined {
  // Every character counts, as in ldirectord.
  if (directive.value === 'yes' || directive.value === 'no') return directive.value === 'yes';
  const word = directive.value.trim().replaceAll('"', '').replace(curly, '').toLowerCase();
  const meant = {yes: true, no: false, true: true, false: false, on: true, off: false}[word];
  if (meant === undefined) {
    reporter.error(
      'bad-value',
      directive.valueSpan,
      `${directive.name} must be 'yes' or 'no'`,
      `write ${directive.name}=yes or ${directive.name}=no`,
    );
    return undefined;
  }
  const text = meant ? 'yes' : 'no';
  const span = reporter.span(directive.valueSpan.start, directive.valueSpan.start + directive.value.length);
  return reporter.repair(
    'trailing-text',
    span,
    `${directive.name} must be exactly 'yes' or 'no', not "${directive.value}"`,
    text,
    [{span, replacement: text}],
  )
    ? meant
    : undefined;
}

/** The first word of the value, one of `words`; a misspelling with a single near word is repaired. */
export function parseWord<T extends string>(
  directive: Directive,
  words: readonly T[],
  reporter: Reporter,
  pattern: RegExp = /\w+/,
): T | undefined {
  const word = pattern.exec(directive.value)?.[0] ?? '';
  const text = directive.value.trim();
  if ((words as readonly string[]).includes(word)) {
    if (text.replaceAll('"', '') !== word)
      reporter.add(
        'warning',
        'trailing-text',
        directive.valueSpan,
        `${directive.name} has more than a word: "${text}"`,
        `read as ${word}, as in ldirectord`,
        [{span: directive.valueSpan, replacement: word}],
      );
    return word as T;
  }
  const near = nearest(word, words) as T | undefined;
  if (near !== undefined && word !== '') {
    const start = directive.valueSpan.start + directive.value.indexOf(word);
    const span = reporter.span(start, start + word.length);
    const message = `${directive.name} must be one of ${words.join(', ')}, not "${word}"`;
    return reporter.repair('misspelled', span, message, near, [{span, replacement: near}]) ? near : undefined;
  }
  reporter.error(
    'bad-value',
    directive.valueSpan,
    `${directive.name} must be one of ${words.join(', ')}, not "${text}"`,
    `write ${directive.name}=${words[0]}`,
  );
  return undefined;
}

/** A text in double quotes. */
export function parseQuoted(directive: Directive, reporter: Reporter): string | undefined {
  const text = directive.value.trimEnd();
  const match = /^"(.+)"/.exec(text);
  if (match) return match[1];
  if (text === '""' || text === '') {
    reporter.error(
      'missing-value',
      directive.valueSpan,
      `invalid ${directive.name}: nothing between the quotes`,
      `write ${directive.name}="…", or leave the line out`,
    );
    return undefined;
  }
  if (curly.test(text)) {
    curly.lastIndex = 0;
    const straight = text.replace(curly, '"');
    const inner = /^"(.+)"/.exec(straight)?.[1];
    if (inner !== undefined)
      return reporter.repair(
        'typographic-quote',
        directive.valueSpan,
        `${directive.name} has a typographic quote; only " closes a text`,
        `"${inner}"`,
        [{span: directive.valueSpan, replacement: `"${inner}"`}],
      )
        ? inner
        : undefined;
  }
  curly.lastIndex = 0;
  const bare = text.replace(/^["']/, '').replace(/["']$/, '');
  return reporter.repair(
    'missing-quotes',
    directive.valueSpan,
    `${directive.name} must be written in double quotes`,
    `"${bare}"`,
    [{span: directive.valueSpan, replacement: `"${bare}"`}],
  )
    ? bare
    : undefined;
}

/** A text with or without quotes, up to the end of the line. */
export function parseText(directive: Directive): string {
  return directive.value.trim().replace(/^"(.*)"$/, '$1');
}

const saysNothing = (directive: Directive, reporter: Reporter): undefined => {
  const help = `write ${directive.name}=…, or leave the line out`;
  reporter.error('missing-value', directive.valueSpan, `${directive.name} says nothing`, help);
};

/** Text that must not be empty, nor empty quotes. Of a value that begins with a quote ldirectord takes what is in quotes. */
export function parseSomething(directive: Directive, reporter: Reporter): string | undefined {
  const [, quoted, rest = ''] = /^"(.*)"(.*)$/.exec(directive.value.trim()) ?? [];
  if (quoted !== undefined && rest.trim() !== '')
    reporter.add(
      'warning',
      'trailing-text',
      directive.valueSpan,
      `ldirectord ignores "${rest.trim()}" behind the quotes, and so does hactl`,
      `${directive.name}="${quoted}"`,
    );
  return (quoted ?? parseText(directive)) || saysNothing(directive, reporter);
}

/** Text that must be present; empty quotes are accepted and ignored. */
export function parseWritten(directive: Directive, reporter: Reporter): string | undefined {
  return directive.value.trim() === '' ? saysNothing(directive, reporter) : parseText(directive) || undefined;
}

/** A text in quotes; empty quotes are ignored. */
export function parseQuotedOrNone(directive: Directive, reporter: Reporter): string | undefined {
  if (!directive.value.startsWith('""')) return parseQuoted(directive, reporter);
  reporter.add(
    'warning',
    'missing-value',
    directive.valueSpan,
    `${directive.name} says nothing`,
    'the line has no effect',
  );
  return undefined;
}

/** ldirectord accepts any expression, and every check with a bad one fails; lenient mode refuses it when reading. */
export function checkExpression(text: string, directive: Directive, reporter: Reporter): void {
  const translated = translatePerlRegex(text);
  if (translated.ok) return;
  reporter.add(
    reporter.mode === 'lenient' ? 'error' : 'warning',
    'bad-regex',
    directive.valueSpan,
    `receive is not a usable regular expression: ${translated.fault}`,
    'every check would fail: correct it; put a \\ before a literal character',
  );
}

/** `200` or `200-299`, several separated by blanks; undefined: something else. */
export function parseStatuses(text: string): readonly StatusRange[] | undefined {
  const ranges = text
    .trim()
    .split(/\s+/)
    .map((word): StatusRange => {
      const [, first = '', last = first] = /^(\d{3})(?:-(\d{3}))?$/.exec(word) ?? [];
      return [Number(first), Number(last)];
    });
  return ranges.every(([first, last]) => first >= 100 && first <= last && last <= 599) ? ranges : undefined;
}
