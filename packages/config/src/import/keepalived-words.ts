/** Splits a line of keepalived.conf: words, quotes, escapes, braces. Pure. */
import {shellWord} from './words.ts';

export interface Token {
  readonly kind: 'word' | 'open' | 'close';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** The text before a ! or # outside double quotes. A backslash escapes these, and is removed. */
export function withoutComment(text: string): string {
  if (!/[!#\\]/.test(text)) return text;
  let isQuoted = false;
  let kept = '';
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? '';
    const next = text[index + 1];
    if (character === '\\' && next !== undefined) {
      kept += !isQuoted && (next === '#' || next === '!') ? next : character + next;
      index += 1;
      continue;
    }
    if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (character === '!' || character === '#')) return kept;
    kept += character;
  }
  return kept;
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07', b: '\b', E: '\x1b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v',
}; // prettier-ignore

/** The character of an escape at `index` (after the backslash), and the length of the escape. */
function unescape(text: string, index: number): {readonly text: string; readonly length: number} {
  const octal = /^[0-7]{1,3}/.exec(text.slice(index, index + 3))?.[0];
  if (octal !== undefined)
    return {text: String.fromCodePoint(Number.parseInt(octal, 8)), length: octal.length};
  const hex = /^x([\da-fA-F]{1,4})/.exec(text.slice(index, index + 5))?.[1];
  if (hex !== undefined)
    return {text: String.fromCodePoint(Number.parseInt(hex, 16)), length: hex.length + 1};
  const character = text[index] ?? '\\';
  if (character === 'c' && index + 1 < text.length)
    return {text: String.fromCodePoint((text.charCodeAt(index + 1) || 0) & 0x1f), length: 2};
  return {text: escapes[character] ?? character, length: 1};
}

/** ASCII blanks: space, and tab to carriage return. Any other blank is part of a word. */
const isBlank = (character: string | undefined): boolean =>
  character === ' ' || (character !== undefined && character >= '\t' && character <= '\r');

/**
 * A text in double quotes is a word, with blanks and without escapes; if the quote is not closed, the rest of the line is
 * dropped (`closed` is false). Single quotes are ordinary characters. Braces outside quotes are separate tokens.
 */
export function splitWords(text: string): {tokens: Token[]; closed: boolean} {
  const tokens: Token[] = [];
  let index = 0;
  while (index < text.length) {
    if (isBlank(text[index])) {
      index += 1;
      continue;
    }
    const start = index;
    if (text[index] === '"') {
      const end = text.indexOf('"', index + 1);
      if (end === -1) return {tokens, closed: false};
      index = end + 1;
      tokens.push({kind: 'word', text: text.slice(start + 1, end), start, end: index});
      continue;
    }
    while (index < text.length && !isBlank(text[index]) && text[index] !== '"') index += 1;
    pushBare(tokens, text.slice(start, index), start);
  }
  return {tokens, closed: true};
}

/**
 * The words of a line with a command or a regular expression: single and double quotes keep blanks, adjacent pieces form one
 * word, a backslash escapes everywhere. undefined: a quote is not closed.
 */
export function escapedWords(text: string): string[] | undefined {
  const words: string[] = [];
  let index = 0;
  while (index < text.length) {
    if (isBlank(text[index])) {
      index += 1;
      continue;
    }
    let [word, quote] = ['', undefined as string | undefined];
    while (index < text.length && (quote !== undefined || !isBlank(text[index]))) {
      const character = text[index] ?? '';
      if (character === '\\') {
        const escape = unescape(text, index + 1);
        word += escape.text;
        index += 1 + escape.length;
        continue;
      }
      if (quote === undefined && (character === '"' || character === "'")) quote = character;
      else if (character === quote) quote = undefined;
      else word += character;
      index += 1;
    }
    if (quote !== undefined) return undefined;
    words.push(word);
  }
  return words;
}

/** Adds an unquoted word: every brace in it is a separate token, except those of an undefined ${NAME}. */
function pushBare(tokens: Token[], word: string, start: number): void {
  for (const {0: text, index} of word.matchAll(/[{}]|(?:\$\{\w*\}|\$\{|[^{}$]|\$)+/g)) {
    const kind = text === '{' ? 'open' : text === '}' ? 'close' : 'word';
    tokens.push({kind, text, start: start + index, end: start + index + text.length});
  }
}

/**
 * The command of a line, as keepalived splits it: the quoted text after the name, split again. keepalived uses no shell, so
 * words are quoted for the shell here. Words after the quoted text are not part of the command.
 */
export function commandText(line: string): string | undefined {
  const [, command = ''] = escapedWords(line) ?? [];
  const words = escapedWords(command);
  if (!words || words.length === 0 || words.some((word) => /[\r\n\0]/.test(word))) return undefined;
  return words.map(shellWord).join(' ');
}
