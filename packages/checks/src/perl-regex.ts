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
