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

/**
 * Does a text hold what `receive` asks for? Perl's `$` also matches before a newline that ends the text; JavaScript's
 * does not.
 */
export function matchesReceive(receive: string, text: string): boolean {
  const pattern = receivePattern(receive);
  if (!pattern) return false;
  return pattern.test(text) || (text.endsWith('\n') && pattern.test(text.slice(0, -1)));
}

/**
 * Does it match? Answers are read octet by octet (latin1); what people write in `receive` is UTF-8. Perl's `$` also
 * matches before a newline that ends the text; JavaScript's does not.
 */
export const receiveMatches = (pattern: RegExp | undefined, octets: string): boolean =>
  pattern !== undefined &&
  [octets, Buffer.from(octets, 'latin1').toString('utf8')].some(
    (text) => pattern.test(text) || (text.endsWith('\n') && pattern.test(text.slice(0, -1))),
  );
