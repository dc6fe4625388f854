/** Reads one block of keepalived.conf by statement names; statements that nobody read are reported at the end. Pure. */
import type {Millis} from '@hactl/base';
import type {DiagnosticCode} from '../diagnostic.ts';
import type {Reporter} from '../reader.ts';
import type {Statement} from './keepalived-lines.ts';
import {commandText} from './keepalived-words.ts';
import {leadingNumber, secondsOf, type Notes} from './words.ts';

export interface Block {
  readonly statements: readonly Statement[];
  /** All statements with one of these names, in order; they are marked as read. */
  readonly all: (...names: string[]) => readonly Statement[];
  /** The last one: in keepalived the last line normally counts. */
  readonly last: (...names: string[]) => Statement | undefined;
  /** The first one, for the few statements of which keepalived ignores repetitions. */
  readonly first: (...names: string[]) => Statement | undefined;
  /** Notes for the statements that were not read: why they are left out. */
  readonly finish: (
    reasons: Readonly<Record<string, string>>,
    otherwise: string,
    serious?: ReadonlySet<string>,
  ) => void;
}

export interface Tools {
  readonly reporter: Reporter;
  readonly notes: Notes;
}

export const nameOf = (statement: Statement): string => statement.words[0]?.text ?? '';
export const argumentOf = (statement: Statement | undefined, index = 1): string =>
  statement?.words[index]?.text ?? '';
export const argumentsOf = (statement: Statement): string[] =>
  statement.words.slice(1).map((word) => word.text);

/** The statement on one line, as quoted in messages. */
export function quoteStatement(statement: Statement): string {
  // Nearly all lines consist of words separated by single blanks.
  const text = /^[^\s"{}]+(?: [^\s"{}]+)*$/.test(statement.text)
    ? statement.text
    : statement.words
        .map((word) => (/^[^\s"{}]+$/.test(word.text) ? word.text : JSON.stringify(word.text)))
        .join(' ');
  return `${text.length > 76 ? `${text.slice(0, 75)}…` : text}${statement.block ? ' { … }' : ''}`;
}

/** Words of a list block, on one or several lines. */
export const listed = (statement: Statement | undefined): Statement['words'] =>
  (statement?.block ?? []).flatMap((line) => line.words);

export const blockOf = (statements: readonly Statement[], {notes}: Tools): Block =>
  new Lines(statements, notes);

/** Blocks up to this size are searched linearly, without an index. */
const FEW = 16;
const NONE: readonly Statement[] = [];

class Lines implements Block {
  readonly statements: readonly Statement[];
  readonly #notes: Notes;
  /** What was read: the statements of a small block, the names of a large one. */
  readonly #seenLines: Statement[] = [];
  readonly #seen: Set<string> | undefined;
  /** Index for large blocks: thousands of servers, and about thirty names to look up. */
  readonly #byName: ReadonlyMap<string, Statement[]> | undefined;

  constructor(statements: readonly Statement[], notes: Notes) {
    this.statements = statements;
    this.#notes = notes;
    const isLarge = statements.length > FEW;
    this.#byName = isLarge ? Map.groupBy(statements, nameOf) : undefined;
    this.#seen = isLarge ? new Set() : undefined;
  }

  all(...names: string[]): readonly Statement[] {
    if (!this.#byName) return this.#few(names);
    for (const name of names) this.#seen?.add(name);
    const found = names.flatMap((name) => this.#byName?.get(name) ?? []);
    if (names.length === 1 || found.length < 2) return found;
    const wanted = new Set(found);
    return this.statements.filter((statement) => wanted.has(statement));
  }

  #few(names: readonly string[]): readonly Statement[] {
    const found = this.statements.filter((statement) => names.includes(nameOf(statement)));
    if (found.length === 0) return NONE;
    this.#seenLines.push(...found);
    return found;
  }

  last(...names: string[]): Statement | undefined {
    const found = this.all(...names);
    for (let index = 0; index < found.length - 1; index += 1) {
      const statement = found[index];
      if (statement)
        this.#notes.omitted(statement.span, quoteStatement(statement), 'overridden by a later line');
    }
    return found.at(-1);
  }

  first(...names: string[]): Statement | undefined {
    const [found, ...repeated] = this.all(...names);
    for (const statement of repeated)
      this.#notes.omitted(
        statement.span,
        quoteStatement(statement),
        'repeated: keepalived uses the first one',
      );
    return found;
  }

  finish(reasons: Readonly<Record<string, string>>, otherwise: string, serious?: ReadonlySet<string>): void {
    for (const statement of this.statements) {
      const name = nameOf(statement);
      if (this.#seen ? this.#seen.has(name) : this.#seenLines.includes(statement)) continue;
      const [, reason] =
        Object.entries(reasons).find(([key]) => key === name) ??
        Object.entries(reasons).find(([key]) => key.endsWith('*') && name.startsWith(key.slice(0, -1))) ??
        [];
      this.#notes[serious?.has(name) ? 'lost' : 'omitted'](
        statement.span,
        quoteStatement(statement),
        reason ?? otherwise,
      );
    }
  }
}

/** A line with its value. */
export interface Read<T> {
  readonly line: Statement;
  readonly value: T;
}

/**
 * All lines with these names that keepalived can read, in order, with their values. keepalived skips an unreadable line, and
 * the value of the line before stays in force.
 */
export function readable<T>(
  block: Block,
  names: readonly string[],
  read: (line: Statement, before: T | undefined) => T | undefined,
  {notes}: Tools,
): Read<T>[] {
  const lines = block.all(...names);
  if (lines.length === 0) return [];
  const found: Read<T>[] = [];
  for (const line of lines) {
    const value = read(line, found.at(-1)?.value);
    if (value === undefined) notes.omitted(line.span, quoteStatement(line), 'keepalived ignores it too');
    else found.push({line, value});
  }
  return found;
}

/** The effective line with one of these names: the last readable one. */
export function lastReadable<T>(
  block: Block,
  names: readonly string[],
  read: (line: Statement, before: T | undefined) => T | undefined,
  tools: Tools,
): Read<T> | undefined {
  const found = readable(block, names, read, tools);
  if (found.length > 1)
    for (const {line} of found.slice(0, -1))
      tools.notes.omitted(line.span, quoteStatement(line), 'overridden by a later line');
  return found.at(-1);
}

/** Warns of something that keepalived logs and ignores, and the import ignores too. */
export function ignored(
  target: Statement | Statement['words'][number],
  code: DiagnosticCode,
  message: string,
  help: string,
  {reporter}: Tools,
): void {
  reporter.add('warning', code, target.span, message, help);
}

/** The command of misc_path or script; keepalived runs only its first word if it is not quoted. */
export function commandOf(statement: Statement, tools: Tools): string | undefined {
  const command = commandText(statement.text);
  const name = nameOf(statement);
  if (command !== undefined && statement.words.length > 2 && !/^\s*\S+\s+["']/.test(statement.text))
    ignored(
      statement.words[2] ?? statement,
      'bad-value',
      `${quoteStatement(statement)}: keepalived runs the first word without arguments`,
      `the import does too; write ${name} "${argumentsOf(statement).join(' ')}"`,
      tools,
    );
  return command;
}

/**
 * The number after a statement's name. Where keepalived is lenient, it drops the text after the digits and reads a text
 * without digits as 0, if 0 is in the range (`keepalived -t` is stricter than the daemon). Where it is strict (`isExact`), it
 * ignores the line.
 */
export function numberOf(
  statement: Statement | undefined,
  least: number,
  most: number,
  tools: Tools,
  isExact = false,
): number | undefined {
  if (!statement) return undefined;
  const text = argumentOf(statement);
  const {value = isExact || text.startsWith('-') ? undefined : 0, rest} = leadingNumber(text);
  const isUsable = value !== undefined && value >= least && value <= most && (rest === '' || !isExact);
  if (!isUsable)
    ignored(
      statement.words[1] ?? statement,
      'bad-value',
      `"${text}" is not a number for ${nameOf(statement)}`,
      `keepalived ignores the line, and so does the import; write a whole number from ${least} to ${most}`,
      tools,
    );
  else if (rest !== '')
    ignored(
      statement.words[1] ?? statement,
      'bad-value',
      `"${text}" is not a number for ${nameOf(statement)}: keepalived reads ${value}`,
      `the import does too; write ${nameOf(statement)} ${value}`,
      tools,
    );
  return isUsable ? value : undefined;
}

/**
 * The seconds after a statement's name, in milliseconds. keepalived reads digits followed by other text as microseconds, too
 * short for any check: the import takes them as seconds, with a warning.
 */
export function timeOf(statement: Statement | undefined, tools: Tools, least = 0): Millis | undefined {
  if (!statement) return undefined;
  const text = argumentOf(statement);
  const [, digits = '', rest = ''] = /^(\d*\.?\d*)([^]*)$/.exec(text) ?? [];
  // A text without digits is 0, if 0 is allowed.
  const isZero = digits === '' && !text.startsWith('-') && least === 0;
  const read = isZero ? 0 : secondsOf(digits);
  const value = read !== undefined && read >= least ? read : undefined;
  const name = nameOf(statement);
  const complain = (message: string, help: string): void =>
    ignored(statement.words[1] ?? statement, 'bad-value', message, help, tools);
  if (value === undefined)
    complain(
      `"${text}" is not a time for ${name}`,
      'keepalived ignores the line, and so does the import; write seconds, such as 3 or 2.5',
    );
  else if (isZero)
    complain(`"${text}" is not a time for ${name}: keepalived reads 0`, 'the import does too; write seconds');
  else if (rest !== '') {
    const reason = `"${text}" is read as ${Number(digits.replace('.', ''))} microseconds by keepalived: the import takes ${digits} seconds`;
    complain(reason, `write ${name} ${digits}: the unit is seconds`);
    tools.notes.changed(statement.span, quoteStatement(statement), reason);
  }
  return value;
}

/** keepalived's BOOL, case-sensitive; the name alone means yes. undefined: no statement, or an unknown word. */
export function flagOf(statement: Statement | undefined, tools: Tools): boolean | undefined {
  if (!statement) return undefined;
  const text = argumentOf(statement);
  if (['', 'on', 'true', 'yes'].includes(text)) return true;
  if (['off', 'false', 'no'].includes(text)) return false;
  ignored(
    statement.words[1] ?? statement,
    'bad-value',
    `"${text}" is neither on nor off`,
    `keepalived ignores the word, and so does the import; write ${nameOf(statement)} on or ${nameOf(statement)} off`,
    tools,
  );
  return undefined;
}
