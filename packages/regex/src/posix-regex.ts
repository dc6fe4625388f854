/** POSIX extended regular expressions, as used by Piranha's nanny, translated to JavaScript. Pure. */
import {fail, ok, type Result} from '@hactl/base';
import {LENGTH_MAX, TOO_LONG, whyTooComplex} from './compile-cost.ts';

const classes: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9', alpha: 'A-Za-z', blank: ' \\t', cntrl: '\\x00-\\x1f\\x7f', digit: '0-9', graph: '!-~', lower: 'a-z',
  print: ' -~', punct: '!-/:-@[-`{-~', space: '\\s', upper: 'A-Z', xdigit: 'A-Fa-f0-9',
}; // prettier-ignore

/** The JavaScript expression, or why there is none. */
export function translatePosixRegex(text: string): Result<RegExp, string> {
  if (text.length > LENGTH_MAX) return fail(TOO_LONG);
  const source = text.replace(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole);
  const complex = whyTooComplex(source);
  if (complex !== undefined) return fail(complex);
  try {
    return ok(new RegExp(source));
  } catch (error) {
    const {message} = error as Error;
    return fail(message.replace(/^Invalid regular expression: /, ''));
  }
}
