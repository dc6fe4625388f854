/** Makes foreign texts (operators, the peer, real servers, files) safe for a terminal. Pure. */
import {printable, printableText} from '@hactl/base/printable';

/** In one line: line ends become ` / `, and control characters are made visible. */
export const shownLine = (text: string): string =>
  printable(text.replaceAll(/\s*\n\s*/g, ' / ').replaceAll('\t', ' '));

/** Line by line; tabs stay. */
export const shownText = printableText;

/** A value with all its texts in one line each. */
export function shown<T>(value: T): T;
export function shown(value: unknown): unknown {
  if (typeof value === 'string') return shownLine(value);
  if (Array.isArray(value)) return value.map((item: unknown) => shown(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shown(item)]));
}

/** JSON escapes C0 as `\u001b` by itself; C1, direction marks and the like are escaped the same way. */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replaceAll(/[^\0-~]/g, (character) =>
    printable(character) === character
      ? character
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
