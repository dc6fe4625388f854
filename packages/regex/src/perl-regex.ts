/** `receive` is a regular expression of Perl. */
import {translatePerlRegex} from './translate.ts';
import {matches} from './match.ts';

/** Every check of a real server uses the same expression: compiled ones are cached. */
const compiled = new Map<string, RegExp | undefined>();
const COMPILED_MAX = 1_000;

/** The expression, or undefined if it has no JavaScript counterpart (the configuration parser has reported that). */
export function receivePattern(text: string): RegExp | undefined {
  if (compiled.has(text)) return compiled.get(text);
  if (compiled.size >= COMPILED_MAX) compiled.clear();
  const pattern = compile(text);
  compiled.set(text, pattern);
  return pattern;
}

function compile(text: string): RegExp | undefined {
  const translated = translatePerlRegex(text);
  return translated.ok ? translated.value : undefined;
}

/** Whether a text matches `receive`. Throws a SlowMatch, as the next function does. */
export function textMatches(receive: string, text: string): boolean {
  const pattern = receivePattern(receive);
  return pattern !== undefined && matches(pattern, text);
}

/** The same for an answer read as octets (latin1): `receive` is written in UTF-8. */
export const receiveMatches = (pattern: RegExp | undefined, octets: string): boolean =>
  pattern !== undefined &&
  (matches(pattern, octets) ||
    (/[\x80-\xff]/.test(octets) && matches(pattern, Buffer.from(octets, 'latin1').toString('utf8'))));
