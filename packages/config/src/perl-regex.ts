/** Perl's regular expressions as far as JavaScript has the same; the rest is refused with a reason. Pure. */
import {fail, ok, type Result} from '@hactl/base';

const posixClasses: Readonly<Record<string, string>> = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  punct: '!-\\/:-@\\[-`{-~',
  xdigit: '0-9A-Fa-f',
  word: '\\w',
};

/** The expression for JavaScript, or why it cannot be one. */
export function translatePerlRegex(text: string): Result<RegExp, string> {
  let flags = '';
  let source = text.replace(/^\(\?([imsx]+)\)/, (_, letters: string) => {
    flags = letters;
    return '';
  });
  if (flags.includes('x')) return fail('the flag x is not supported');
  if (/[*+?}]\+/.test(source.replace(/\\./g, ''))) return fail('possessive quantifiers are not supported');
  if (/\\[GKRXC]|\(\?[|>#{]|\(\?\?/.test(source)) return fail('this construct of Perl has no counterpart');
  source = source
    .replace(/\\Q(.*?)(?:\\E|$)/g, (_, literal: string) => literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .replace(/\\A/g, '^')
    .replace(/\\[zZ]/g, '$')
    .replace(/\\h/g, '[ \\t]')
    .replace(/\[:(\w+):\]/g, (whole, name: string) => posixClasses[name] ?? whole);
  try {
    return ok(new RegExp(source, flags));
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
