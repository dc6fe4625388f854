/** keepalived.conf as a tree of statements (keepalived.conf(5), 2.2.7). Pure: files are read by the caller's function. */
import {characterName} from '../printable.ts';
import type {Span} from '../model.ts';
import type {Reporter} from '../reader.ts';
import type {ImportContext, ImportSource} from './imported.ts';
import {preprocess, type Skipped} from './keepalived-preprocess.ts';
import {splitWords, type Token} from './keepalived-words.ts';

export interface Word {
  readonly text: string;
  readonly span: Span;
}

/** A word whose span is computed on demand: most words of a large file never appear in a diagnostic. */
class LazyWord implements Word {
  readonly text: string;
  readonly #line: Span;
  readonly #from: number;
  readonly #length: number;

  /** `from` and `length`: place in the line, in characters. */
  constructor(text: string, line: Span, from: number, length: number) {
    this.text = text;
    this.#line = line;
    this.#from = from;
    this.#length = length;
  }

  get span(): Span {
    const start = this.#line.start + this.#from;
    return {file: this.#line.file, start, end: start + this.#length};
  }
}

export interface Statement {
  /** At least one. */
  readonly words: readonly Word[];
  readonly span: Span;
  /** The text as written, for commands and regular expressions, which are split differently. */
  readonly text: string;
  /** undefined: no braces after it. */
  block?: Statement[];
}

export interface Tree {
  readonly statements: readonly Statement[];
  readonly sources: ReadonlyMap<string, ImportSource>;
  /** @lines for other configuration ids. */
  readonly skipped: readonly Skipped[];
}

export function readKeepalived(
  source: ImportSource,
  context: Pick<ImportContext, 'configId' | 'read' | 'glob'>,
  reporter: Reporter,
): Tree {
  const root: Statement[] = [];
  const open: {statement?: Statement; into: Statement[]}[] = [{into: root}];

  const statementOf = (words: readonly Word[], text: string): Statement | undefined => {
    const [first] = words;
    const last = words.at(-1);
    if (!first || !last) return undefined;
    const statement: Statement = {
      words,
      span: {file: first.span.file, start: first.span.start, end: last.span.end},
      text,
    };
    open.at(-1)?.into.push(statement);
    return statement;
  };

  const openBlock = (statement: Statement | undefined, span: Span): void => {
    const target = statement ?? open.at(-1)?.into.at(-1);
    if (!target || target.block) {
      reporter.error('unclosed-block', span, 'no name before this {', 'write NAME {');
      open.push({into: []});
      return;
    }
    target.block = [];
    open.push({statement: target, into: target.block});
  };

  const closeBlock = (span: Span): void => {
    if (open.length > 1) open.pop();
    else
      reporter.add(
        'warning',
        'unclosed-block',
        span,
        'no open block to close',
        'keepalived skips it, and so does the import; remove the }',
      );
  };

  const emit = (text: string, span: Span, isAsWritten: boolean): void => {
    if (isAsWritten && text === '}') return closeBlock(span);
    const plain = isAsWritten ? plainLine(text, span) : undefined;
    if (plain) {
      const statement = statementOf(plain.words, plain.text);
      if (plain.opens) openBlock(statement, {...span, start: span.end - 1});
      return;
    }
    const {tokens, closed} = splitWords(text);
    if (!closed)
      reporter.add(
        'warning',
        'unclosed-quote',
        span,
        'a quote is not closed on its line: keepalived drops the rest of the line',
        'the import does too; close the quote',
      );
    warnOfBlanks(text, span, isAsWritten, reporter);
    let words: Word[] = [];
    let from = 0;
    const spanOf = (token: Token): Span =>
      isAsWritten ? {file: span.file, start: span.start + token.start, end: span.start + token.end} : span;
    for (const token of tokens) {
      if (token.kind === 'word') {
        words.push(
          isAsWritten
            ? new LazyWord(token.text, span, token.start, token.end - token.start)
            : {text: token.text, span},
        );
        continue;
      }
      const statement = statementOf(words, text.slice(from, token.start));
      words = [];
      from = token.end;
      if (token.kind === 'open') openBlock(statement, spanOf(token));
      else closeBlock(spanOf(token));
    }
    statementOf(words, text.slice(from));
  };

  const {sources, skipped} = preprocess(source, context, reporter, emit);
  for (const {statement} of open.slice(1).toReversed())
    if (statement)
      reporter.add(
        'warning',
        'unclosed-block',
        statement.span,
        `the block ${statement.words.map((word) => word.text).join(' ')} is not closed`,
        'to keepalived it extends to the end of the file, and to the import too; add a line with } after its last line',
      );
  return {statements: root, sources, skipped};
}

/** Fast path for a line of plain words with an optional { at the end: nearly all lines of a large file. */
function plainLine(
  text: string,
  span: Span,
): {readonly words: Word[]; readonly text: string; readonly opens: boolean} | undefined {
  const [, body] = /^([!#-z|~]+(?:[ \t]+[!#-z|~]+)*)(?:[ \t]+\{)?$/.exec(text) ?? [];
  if (body === undefined) return undefined;
  const words: Word[] = [];
  for (let from = 0; from < body.length;) {
    const end = endOfWord(body, from);
    words.push(new LazyWord(body.slice(from, end), span, from, end - from));
    from = end;
    while (from < body.length && body.charCodeAt(from) <= BLANK) from += 1;
  }
  return {words, text: body, opens: body.length < text.length};
}

const BLANK = 32;

function endOfWord(text: string, from: number): number {
  let end = from;
  while (end < text.length && text.charCodeAt(end) > BLANK) end += 1;
  return end;
}

/** keepalived knows ASCII blanks only; any other blank is part of a word, which is then unknown. */
function warnOfBlanks(text: string, span: Span, isAsWritten: boolean, reporter: Reporter): void {
  if (!/[^\t-~]/.test(text)) return;
  const match = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000\uFEFF]/.exec(
    text.replaceAll(/"[^"]*"/g, (quoted) => ' '.repeat(quoted.length)),
  );
  if (!match) return;
  const start = span.start + match.index;
  reporter.add(
    'warning',
    'invisible-character',
    isAsWritten ? {file: span.file, start, end: start + 1} : span,
    `the line contains ${characterName(match[0])}, which is not a blank to keepalived: the line has an unknown word`,
    'retype the line; what keepalived does not serve today is not carried over',
  );
}
