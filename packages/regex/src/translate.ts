/**
 * Perl's regular expressions translated to JavaScript. Constructs that differ in meaning (`$`, `.`, `\Z`, inline flags) are
 * spelt out; those that JavaScript lacks are refused with a reason. Pure. Source: perlre(1) of Perl 5.36.
 */
import {classOf} from './perl-class.ts';
import {LENGTH_MAX, TOO_LONG, whyTooComplex} from './compile-cost.ts';
import {characterOf, literal, Untranslatable} from './perl-escape.ts';
import {fail, ok, type Result} from '@hactl/base';

/** The flags in force at one position of the pattern. */
interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly x: boolean;
}

const none: Flags = {i: false, m: false, s: false, x: false};
const START = '(?<![^])';
const END = '(?![^])';

/** The JavaScript expression, or why there is none. */
export function translatePerlRegex(text: string): Result<RegExp, string> {
  try {
    if (text.length > LENGTH_MAX) throw new Untranslatable(TOO_LONG);
    const source = new Translator(text).whole();
    const complex = whyTooComplex(source);
    if (complex !== undefined) throw new Untranslatable(complex);
    return ok(new RegExp(source, 'u'));
  } catch (error) {
    return fail(
      error instanceof Error ? error.message.replace(/^Invalid regular expression: /, '') : String(error),
    );
  }
}

/** A cursor over one pattern. */
class Translator {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): string {
    const out = this.#group(none);
    if (this.#at < this.#text.length) throw new Untranslatable('unmatched )');
    return out;
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    if (match) this.#at += match[0].length;
    return match;
  }

  /** Alternatives up to the closing parenthesis or the end. A `(?i)` applies to the end of its group. */
  #group(outer: Flags): string {
    let flags = outer;
    let out = '';
    let open = '';
    while (this.#at < this.#text.length && this.#text[this.#at] !== ')') {
      if (this.#take(/\|/y)) {
        out += open === '' ? '|' : `)|${open}`;
        continue;
      }
      const change = this.#take(/\(\?(\^?[a-z]*)(?:-([a-z]+))?\)/y);
      if (change) {
        flags = changed(flags, change[1] ?? '', change[2] ?? '');
        if (open !== '') out += ')';
        open = modifier(outer.i, flags.i);
        out += open;
        continue;
      }
      const atom = this.#atom(flags);
      out += atom === '' ? '' : atom + this.#quantifier(flags);
    }
    return open === '' ? out : `${out})`;
  }

  #atom(flags: Flags): string {
    if (flags.x && this.#take(/(?:\s+|#[^\n]*)/y)) return '';
    const char = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    switch (char) {
      case '(':
        return this.#parenthesis(flags);
      case '[':
        return this.#class();
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw new Untranslatable(`nothing to repeat before ${char}`);
    }
    this.#at += char.length;
    if (char === '.') return flags.s ? '[^]' : '[^\\n]';
    if (char === '^') return flags.m ? '(?<![^\\n])' : START;
    if (char === '$') return flags.m ? '(?![^\\n])' : `(?=\\n?${END})`;
    return literal(char);
  }

  #parenthesis(flags: Flags): string {
    if (this.#take(/\(\?#[^)]*\)/y)) return '';
    if (this.#take(/\(\*/y)) throw new Untranslatable('verbs such as (*FAIL) have no counterpart');
    const named = this.#take(/\(\?P?<([A-Za-z_]\w*)>|\(\?'([A-Za-z_]\w*)'/y);
    if (named) return this.#close(`(?<${named[1] ?? named[2]}>`, flags);
    const back = this.#take(/\(\?P=([A-Za-z_]\w*)\)/y);
    if (back) return `\\k<${back[1]}>`;
    const look = this.#take(/\(\?(?:[:=!]|<[=!])/y);
    if (look) return this.#close(look[0], flags);
    const modified = this.#take(/\(\?(\^?[a-z]*)(?:-([a-z]+))?:/y);
    if (modified) {
      const inner = changed(flags, modified[1] ?? '', modified[2] ?? '');
      return this.#close(modifier(flags.i, inner.i) || '(?:', inner);
    }
    const strange = this.#take(/\(\?.?/y);
    if (strange) throw new Untranslatable(`${strange[0]}…) has no counterpart in JavaScript`);
    this.#at += 1;
    return this.#close('(', flags);
  }

  #close(open: string, flags: Flags): string {
    const inner = this.#group(flags);
    if (!this.#take(/\)/y)) throw new Untranslatable('unmatched (');
    return `${open}${inner})`;
  }

  #quantifier(flags: Flags): string {
    if (flags.x) this.#take(/\s+/y);
    const simple = this.#take(/[*+?]/y)?.[0];
    const braces = simple === undefined ? this.#take(/\{\s*(\d*)\s*(,?)\s*(\d*)\s*\}/y) : undefined;
    let out = simple ?? '';
    if (braces) {
      const [whole, least = '', comma = '', most = ''] = braces;
      if (least === '' && most === '') {
        this.#at -= whole.length;
        return '';
      }
      out = `{${least === '' ? '0' : least}${comma}${most}}`;
    }
    if (out === '') return '';
    if (this.#take(/\+/y)) throw new Untranslatable(`the possessive quantifier ${out}+ has no counterpart`);
    return this.#take(/\?/y) ? `${out}?` : out;
  }

  #class(): string {
    const {source, end} = classOf(this.#text, this.#at);
    this.#at = end;
    return source;
  }

  #escape(): string {
    const anchors = this.#take(/\\[AzZ]/y)?.[0];
    if (anchors !== undefined) return anchors === '\\A' ? START : anchors === '\\z' ? END : `(?=\\n?${END})`;
    if (this.#take(/\\R/y)) return '(?:\\r\\n|[\\n\\x0b\\f\\r])';
    if (this.#take(/\\N(?!\{)/y)) return '[^\\n]';
    if (this.#take(/\\[bB](?!\{)/y)) return this.#text.slice(this.#at - 2, this.#at);
    const group = this.#take(/\\g(?:(\d+)|\{(\d+)\})|\\([1-9])(?!\d)/y);
    // A digit after a back reference would be read as part of it.
    if (group) return `(?:\\${group[1] ?? group[2] ?? group[3]})`;
    const named = this.#take(/\\[gk](?:\{([A-Za-z_]\w*)\}|<([A-Za-z_]\w*)>|'([A-Za-z_]\w*)')/y);
    if (named) return `\\k<${named[1] ?? named[2] ?? named[3]}>`;
    const {source, end} = characterOf(this.#text, this.#at);
    this.#at = end;
    return source;
  }
}

function changed(flags: Flags, on: string, off: string): Flags {
  const next = {...(on.startsWith('^') ? none : flags)};
  const set = (letters: string, value: boolean): void => {
    for (const letter of letters) {
      if (letter === 'i' || letter === 'm' || letter === 's' || letter === 'x') next[letter] = value;
      // a, d, l, p and u choose character sets or save copies: irrelevant to a check.
      else if (!'adlpu'.includes(letter)) throw new Untranslatable(`the flag ${letter} is not supported`);
    }
  };
  set(on.replace('^', ''), true);
  set(off, false);
  return next;
}

/** The opening of a group in which `i` applies or not; '' if nothing changes. */
const modifier = (before: boolean, now: boolean): string => (before === now ? '' : now ? '(?i:' : '(?-i:');
