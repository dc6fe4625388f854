/** Text from files and from the network, made safe for a terminal. Pure. */

const names: Readonly<Record<string, string>> = {
  '\u00A0': 'NBSP', '\u00AD': 'SHY', '\u061C': 'ALM', '\u2028': 'LS', '\u2029': 'PS', '\u202F': 'NNBSP', '\uFEFF': 'BOM',
  '\u200B': 'ZWSP', '\u200C': 'ZWNJ', '\u200D': 'ZWJ', '\u200E': 'LRM', '\u200F': 'RLM', '\u202A': 'LRE', '\u202B': 'RLE',
  '\u202C': 'PDF', '\u202D': 'LRO', '\u202E': 'RLO', '\u2060': 'WJ', '\u2066': 'LRI', '\u2067': 'RLI', '\u2068': 'FSI',
  '\u2069': 'PDI',
}; // prettier-ignore

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const unprintable = /[\0-\x1F\x7F-\xA0\xAD\u061C\u180E\u1680\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\uFEFF\uFFF9-\uFFFB]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g; // prettier-ignore

/** U+001B as `␛`, others by their name or number: `<NBSP>`, `<U+0085>`. */
function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `<${names[character] ?? `U+${code.toString(16).toUpperCase().padStart(4, '0')}`}>`;
}

/**
 * Makes every character visible that a terminal would interpret or hide: C0, C1, DEL, direction marks, zero-width and unusual
 * spaces. Line ends too: pass one line at a time.
 */
export const printable = (text: string): string => text.replace(unprintable, visible);

/** The same for a text of several lines; tabs stay. */
export const printableText = (text: string): string => text.replaceAll(/[^\n\t]+/g, printable);

/** The name of an invisible character. */
export function characterName(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  if (character === '\u00A0') return `a no-break space (U+${code})`;
  if (character === '\0') return 'a NUL character (U+0000)';
  if (/^[\u1680\u2000-\u200A\u202F\u205F\u3000]$/.test(character))
    return `a blank that is no space (U+${code})`;
  return names[character] === undefined
    ? `a control character (U+${code})`
    : `an invisible character (U+${code}, ${names[character]})`;
}
