/** `receive` is a regular expression of Perl. Pure. */
import {translatePerlRegex} from '@hactl/base';

/** The expression, or undefined when JavaScript cannot have it (the configuration's reader has said so already). */
export function receivePattern(text: string): RegExp | undefined {
  const translated = translatePerlRegex(text);
  return translated.ok ? translated.value : undefined;
}
