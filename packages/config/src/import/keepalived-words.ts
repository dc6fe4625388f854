/** Words, quotes, escapes and braces of one line of keepalived.conf. Pure. */
import {shellWord} from './words.ts';

export interface Token {
  readonly kind: 'word' | 'open' | 'close';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Up to a ! or # that is neither inside double quotes nor behind a backslash, which goes. */
export function withoutComment(text: string): string {
  let isQuoted = false;
  let kept = '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    const next = text[at + 1];
    if (character === '\\' && next !== undefined) {
      kept += !isQuoted && (next === '#' || next === '!') ? next : character + next;
      at += 1;
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

/** The character that an escape at `at` (behind the backslash) stands for, and how long the escape is. */
function unescape(text: string, at: number): {readonly text: string; readonly length: number} {
  const octal = /^[0-7]{1,3}/.exec(text.slice(at, at + 3))?.[0];
  if (octal !== undefined)
    return {text: String.fromCodePoint(Number.parseInt(octal, 8)), length: octal.length};
  const hex = /^x([\da-fA-F]{1,4})/.exec(text.slice(at, at + 5))?.[1];
  if (hex !== undefined)
    return {text: String.fromCodePoint(Number.parseInt(hex, 16)), length: hex.length + 1};
  const character = text[at] ?? '\\';
  if (character === 'c' && at + 1 < text.length)
    return {text: String.fromCodePoint((text.charCodeAt(at + 1) || 0) & 0x1f), length: 2};
  return {text: escapes[character] ?? character, length: 1};
}

/** Blanks of ASCII; another one is part of a word. */
const isBlank = (character: string | undefined): boolean =>
  character !== undefined && /[ \t\r\n\f\v]/.test(character);

/** Quoted stretches belong to the word they touch; braces at a word's edge, outside quotes, are tokens of their own. */
export function splitWords(text: string): {tokens: Token[]; closed: boolean} {
  const tokens: Token[] = [];
  let closed = true;
  let at = 0;
  while (at < text.length) {
    if (isBlank(text[at])) {
      at += 1;
      continue;
    }
    const start = at;
    let [word, quote, hasQuotes] = ['', undefined as string | undefined, false];
    for (; at < text.length; at += 1) {
      const character = text[at] ?? '';
      if (quote !== undefined) {
        if (character === '\\') {
          const escape = unescape(text, at + 1);
          word += escape.text;
          at += escape.length;
        } else if (character === quote) quote = undefined;
        else word += character;
      } else if (character === '"' || character === "'") [quote, hasQuotes] = [character, true];
      else if (isBlank(character)) break;
      else word += character;
    }
    if (quote !== undefined) closed = false;
    if (hasQuotes) {
      tokens.push({kind: 'word', text: word, start, end: at});
      continue;
    }
    pushBare(tokens, word, start);
  }
  return {tokens, closed};
}

function pushBare(tokens: Token[], word: string, start: number): void {
  let [from, to] = [0, word.length];
  while (from < to && (word[from] === '}' || word[from] === '{')) {
    tokens.push({
      kind: word[from] === '{' ? 'open' : 'close',
      text: word[from] ?? '',
      start: start + from,
      end: start + from + 1,
    });
    from += 1;
  }
  // ${NAME} that nobody defined keeps its brace.
  const opens = to > from && word[to - 1] === '{' && word[to - 2] !== '$';
  const closes = to > from && word[to - 1] === '}' && !word.slice(from).includes('{');
  if (opens || closes) to -= 1;
  if (to > from)
    tokens.push({kind: 'word', text: word.slice(from, to), start: start + from, end: start + to});
  if (opens || closes)
    tokens.push({
      kind: opens ? 'open' : 'close',
      text: word[to] ?? '',
      start: start + to,
      end: start + to + 1,
    });
}

/**
 * A command as keepalived takes it apart: at blanks, and what stands in single quotes stays together. No shell is
 * involved there, so the words are quoted when a shell runs them here.
 */
export function commandText(text: string): string {
  const words: string[] = [];
  for (const match of text.matchAll(/(?:'[^']*'|[^\s'])+|'/g)) words.push(match[0].replaceAll("'", ''));
  return words.map(shellWord).join(' ');
}
