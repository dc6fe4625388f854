/** `receive` is a regular expression of Perl. */
import {translatePerlRegex} from './translate.ts';
import {matches} from './match.ts';

/** Every check of a real server asks for the same expression again: what was compiled is kept. */
const compiled = new Map<string, RegExp | undefined>();
const COMPILED_MAX = 1_000;

/** The expression, or undefined when JavaScript cannot have it (the configuration's reader has said so already). */
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

/** Does a text match what `receive` asks for? Throws a SlowMatch, as the next one does. */
export function textMatches(receive: string, text: string): boolean {
  const pattern = receivePattern(receive);
  return pattern !== undefined && matches(pattern, text);
}

/** The same for an answer read octet by octet (latin1): what people write in `receive` is UTF-8. */
export const receiveMatches = (pattern: RegExp | undefined, octets: string): boolean =>
  pattern !== undefined &&
  (matches(pattern, octets) ||
    (/[\x80-\xff]/.test(octets) && matches(pattern, Buffer.from(octets, 'latin1').toString('utf8'))));
