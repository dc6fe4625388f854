/** One block of keepalived.conf, statement by statement: what nobody asked for is said at the end. Pure. */
import type {Millis} from '@hactl/base';
import type {Reporter} from '../reader.ts';
import type {Statement} from './keepalived-lines.ts';
import {secondsOf, wholeNumber, type Notebook} from './words.ts';

export interface Block {
  readonly statements: readonly Statement[];
  /** Every statement with one of these names, in order; they count as read. */
  readonly all: (...names: string[]) => Statement[];
  /** The last one: in keepalived the last line counts. */
  readonly last: (...names: string[]) => Statement | undefined;
  /** What is left gets a note: why it is left out. */
  readonly finish: (reasons: Readonly<Record<string, string>>, otherwise: string) => void;
}

export interface Tools {
  readonly reporter: Reporter;
  readonly book: Notebook;
}

export const nameOf = (statement: Statement): string => statement.words[0]?.text ?? '';
export const argumentOf = (statement: Statement | undefined, at = 1): string =>
  statement?.words[at]?.text ?? '';
export const argumentsOf = (statement: Statement): string[] =>
  statement.words.slice(1).map((word) => word.text);

/** The statement as people would quote it, on one line. */
export function quoteStatement(statement: Statement): string {
  const text = statement.words
    .map((word) => (/^[^\s"{}]+$/.test(word.text) ? word.text : JSON.stringify(word.text)))
    .join(' ');
  return `${text.length > 76 ? `${text.slice(0, 75)}…` : text}${statement.block ? ' { … }' : ''}`;
}

/** Words of a list block, whether they stand one to a line or all on one. */
export const listed = (statement: Statement | undefined): Statement['words'] =>
  (statement?.block ?? []).flatMap((line) => line.words);

export function blockOf(statements: readonly Statement[], {book}: Tools): Block {
  const seen = new Set<Statement>();
  const all = (...names: string[]): Statement[] => {
    const found = statements.filter((statement) => names.includes(nameOf(statement)));
    for (const one of found) seen.add(one);
    return found;
  };
  return {
    statements,
    all,
    last: (...names) => {
      const found = all(...names);
      for (const one of found.slice(0, -1))
        book.not(one.span, quoteStatement(one), 'the same again below: the last one counts');
      return found.at(-1);
    },
    finish: (reasons, otherwise) => {
      for (const one of statements) {
        if (seen.has(one)) continue;
        const name = nameOf(one);
        const reason =
          reasons[name] ??
          Object.entries(reasons).find(
            ([key]) => key.endsWith('*') && name.startsWith(key.slice(0, -1)),
          )?.[1];
        book.not(one.span, quoteStatement(one), reason ?? otherwise);
      }
    },
  };
}

/** A number behind a statement, or a complaint. */
export function numberOf(
  statement: Statement | undefined,
  least: number,
  most: number,
  {reporter}: Tools,
): number | undefined {
  if (!statement) return undefined;
  const text = argumentOf(statement);
  const value = wholeNumber(text, least, most);
  if (value === undefined)
    reporter.error(
      'bad-value',
      statement.words[1]?.span ?? statement.span,
      `"${text}" is not a number for ${nameOf(statement)}`,
      `a whole number from ${least} to ${most}`,
    );
  return value;
}

export function timeOf(statement: Statement | undefined, {reporter}: Tools): Millis | undefined {
  if (!statement) return undefined;
  const text = argumentOf(statement);
  const value = secondsOf(text);
  if (value === undefined)
    reporter.error(
      'bad-value',
      statement.words[1]?.span ?? statement.span,
      `"${text}" is not a time for ${nameOf(statement)}`,
      'seconds, with decimals where needed: 3 or 2.5',
    );
  return value;
}

/** keepalived's BOOL; the name alone is yes. */
export function flagOf(statement: Statement | undefined, {reporter}: Tools): boolean | undefined {
  if (!statement) return undefined;
  const text = argumentOf(statement).toLowerCase();
  if (['', 'on', 'true', 'yes'].includes(text)) return true;
  if (['off', 'false', 'no'].includes(text)) return false;
  reporter.error(
    'bad-value',
    statement.words[1]?.span ?? statement.span,
    `"${text}" is neither on nor off`,
    `write ${nameOf(statement)} on or ${nameOf(statement)} off`,
  );
  return undefined;
}
