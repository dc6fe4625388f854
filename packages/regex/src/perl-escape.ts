/** Single characters and escapes of Perl's regular expressions, in a class or outside. Pure. */

/** A construct without a counterpart. */
export class Untranslatable extends Error {
  override name = 'Untranslatable';
}

/** A literal character in a JavaScript pattern with the flag u. */
export const literal = (char: string): string => (/[\\^$.*+?()[\]{}|/-]/.test(char) ? escaped(char) : char);
const escaped = (char: string): string => (char === '-' ? '\\x2d' : `\\${char}`);

/** An escape for one character or a class of characters, as JavaScript source with the flag u. */
export function characterOf(text: string, offset: number): {source: string; end: number} {
  const match =
    /\\(?:x\{\s*([0-9A-Fa-f]+)\s*\}|x([0-9A-Fa-f]{0,2})|o\{([0-7]+)\}|(0[0-7]{0,2}|[1-7][0-7]{1,2})|c([@-_a-z])|(p|P)(\{\^?[\w=: ]+\}|[A-Z])|([^]))/uy;
  match.lastIndex = offset;
  const found = match.exec(text);
  if (!found) throw new Untranslatable('a \\ at the end');
  const [whole, wide, short, braced, octal, control, property, name = '', single = ''] = found;
  const end = offset + whole.length;
  const code = (value: number): {source: string; end: number} => ({
    source: `\\u{${value.toString(16)}}`,
    end,
  });
  if (wide !== undefined) return code(parseInt(wide, 16));
  if (short !== undefined) return code(short === '' ? 0 : parseInt(short, 16));
  if (braced !== undefined) return code(parseInt(braced, 8));
  if (octal !== undefined) return code(parseInt(octal, 8));
  if (control !== undefined) return code((control.toUpperCase().codePointAt(0) ?? 0) ^ 64);
  if (property !== undefined)
    return {source: `\\${property}${name.startsWith('{') ? name : `{${name}}`}`, end};
  const source = singles[single];
  if (source !== undefined) return {source, end};
  if (/[GKXCQELUulNRbBAzZgk1-9]/.test(single)) {
    const why = 'QELUul'.includes(single)
      ? 'is of Perl’s strings and does nothing in receive'
      : 'has no counterpart here';
    throw new Untranslatable(`\\${single} ${why}`);
  }
  return {source: literal(single), end};
}

const singles: Readonly<Record<string, string>> = {
  d: '\\d', D: '\\D', w: '\\w', W: '\\W', s: '\\s', S: '\\S', n: '\\n', r: '\\r', t: '\\t', f: '\\f', a: '\\x07',
  e: '\\x1b', h: '[ \\t\\xa0]', H: '[^ \\t\\xa0]', v: '[\\n\\x0b\\f\\r]', V: '[^\\n\\x0b\\f\\r]',
}; // prettier-ignore
