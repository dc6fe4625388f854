/** `receive` is a regular expression of Perl: what JavaScript writes otherwise is translated. Pure. */

/** The expression, or undefined when JavaScript cannot have it (the configuration's reader has said so already). */
export function receivePattern(text: string): RegExp | undefined {
  let flags = '';
  const source = text
    .replace(/^\(\?([ims]+)\)/, (_, letters: string) => {
      flags = letters;
      return '';
    })
    .replace(/\\Q(.*?)(?:\\E|$)/g, (_, literal: string) => literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .replace(/\\A/g, '^')
    .replace(/\\[zZ]/g, '$')
    .replace(/\\h/g, '[ \\t]');
  try {
    return new RegExp(source, flags);
  } catch {
    return undefined;
  }
}

/** Perl's `$` also matches before a newline that ends the text; JavaScript's does not. */
const holds = (text: string, pattern: RegExp): boolean =>
  pattern.test(text) || (text.endsWith('\n') && pattern.test(text.slice(0, -1)));

/** Does a text match what `receive` asks for? */
export function textMatches(receive: string, text: string): boolean {
  const pattern = receivePattern(receive);
  return pattern !== undefined && holds(text, pattern);
}

/** The same for an answer read octet by octet (latin1): what people write in `receive` is UTF-8. */
export const receiveMatches = (pattern: RegExp | undefined, octets: string): boolean =>
  pattern !== undefined &&
  [octets, Buffer.from(octets, 'latin1').toString('utf8')].some((text) => holds(text, pattern));
