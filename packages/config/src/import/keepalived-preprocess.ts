/**
 * keepalived's preprocessor: includes, @conditions, $PARAMETERS of one and of many lines, ~SEQ, ~SEQx and ~LST. What is
 * left are single lines, handed on in order. Pure: files are read by the caller's functions.
 */
import type {Span} from '../model.ts';
import {linesOf, type Reporter} from '../reader.ts';
import type {ImportContext, ImportSource} from './imported.ts';
import {withoutComment} from './keepalived-words.ts';

/** Lines that definitions and sequences may make; a definition that contains itself would never end. */
const EXPANDED = 500_000;
const DEPTH = 40;
const LENGTH = 1_000_000;
const INCLUDES = 10;

export interface Skipped {
  readonly span: Span;
  readonly text: string;
}

/** A line as its parser gets it; `isAsWritten`: columns of the text are columns of the file. */
export type Emit = (text: string, span: Span, isAsWritten: boolean) => void;

export interface Preprocessed {
  readonly sources: ReadonlyMap<string, ImportSource>;
  /** @lines for other machines. */
  readonly skipped: readonly Skipped[];
}

const parameter = /\$(?:\{([A-Za-z_]\w*)((?:[ \t]+\w+)*)\}|([A-Za-z_]\w*)(?=[\s,)]|$))/g;
const includeLine = /^include[rmwba]?[ \t]+(\S[^]*)$/;

export function preprocess(
  source: ImportSource,
  context: Pick<ImportContext, 'configId' | 'read' | 'glob'>,
  reporter: Reporter,
  emit: Emit,
): Preprocessed {
  const sources = new Map<string, ImportSource>();
  const skipped: Skipped[] = [];
  const defined = new Map<string, string>([
    ['_INSTANCE', context.configId],
    ['_HASH', '#'],
    ['_BANG', '!'],
  ]);
  const state = {expanded: 0, overflown: false, files: 0, folder: '.'};

  const overflow = (span: Span): void => {
    if (!state.overflown)
      reporter.error(
        'bad-value',
        span,
        `the definitions expand to more than ${EXPANDED} lines, or into themselves`,
        'look for a $PARAMETER that contains itself, or a ~SEQ that is too long',
      );
    state.overflown = true;
  };

  const replaced = (text: string, span: Span): string =>
    text.replace(parameter, (all, braced?: string, words = '', bare?: string) => {
      const name = braced ?? bare ?? '';
      const value = words === '' ? defined.get(name) : undefined;
      if (value !== undefined) return value;
      if (name === '_RANDOM' || name === '_ENV')
        reporter.error(
          'unresolved-name',
          span,
          name === '_RANDOM'
            ? `${all}: keepalived draws a random number here at each start`
            : `${all}: keepalived takes this from its environment, which the import does not know`,
          'write the value in its place',
        );
      return name === '_RANDOM' || name === '_ENV' ? '0' : all;
    });

  const sequence = (text: string, at: Span, depth: number): boolean => {
    const head = /^~(SEQx?|LST)[ \t]*\(([^)]*)\)[ \t]*([^]*)$/.exec(text);
    if (!head) return false;
    const [, kind = '', written = '', rest = ''] = head;
    const list = replaced(written, at);
    const rounds = kind === 'LST' ? listRounds(list) : sequenceRounds(list, kind === 'SEQx');
    if (!rounds) {
      reporter.add(
        'warning',
        'bad-value',
        at,
        `cannot read ~${kind}(${list}): keepalived ignores the line`,
        'the import does too; write ~SEQ(NAME, START, STEP, END) or ~LST(NAME, VALUE, …)',
      );
      return true;
    }
    for (const round of rounds) {
      if (state.overflown) break;
      for (const [name, value] of round) defined.set(name, value);
      line(rest, at, false, depth + 1);
    }
    return true;
  };

  /** One line, after comments and continuations. */
  const line = (raw: string, span: Span, isAsWritten: boolean, depth: number): void => {
    if (depth > 0) state.expanded += 1;
    if (state.overflown || depth > DEPTH || state.expanded > EXPANDED || raw.length > LENGTH)
      return overflow(span);
    const text = raw.trim();
    if (text === '') return;
    const start = span.start + raw.indexOf(text);
    const at: Span = isAsWritten ? {file: span.file, start, end: start + text.length} : span;
    const condition = /^@(\^?)(\S*)[ \t]*([^]*)$/.exec(text);
    if (condition) {
      const [, negative = '', id = '', rest = ''] = condition;
      if ((id === context.configId) === (negative === '')) line(rest, at, false, depth + 1);
      else skipped.push({span: at, text: rest});
      return;
    }
    const definition = /^\$([A-Za-z_]\w*)([ \t]*)=([^]*)$/.exec(text);
    if (definition?.[2] === '') {
      defined.set(definition[1] ?? '', (definition[3] ?? '').trim());
      return;
    }
    if (definition)
      reporter.add(
        'warning',
        'bad-value',
        at,
        `$${definition[1]} = …: with a blank before = it is no definition to keepalived`,
        `the import does not take it either; write $${definition[1]}=VALUE`,
      );
    if (sequence(text, at, depth)) return;
    if (text.includes('$')) {
      const full = replaced(text, at);
      if (full !== text) {
        for (const part of full.split('\n')) line(withoutComment(part), at, false, depth + 1);
        return;
      }
    }
    const include = includeLine.exec(text);
    if (include) return includeFiles((include[1] ?? '').trim(), at);
    // What stands behind a brace is a line of its own to keepalived, conditions and sequences too.
    const inner = /^((?:[^"{}]|"[^"]*")*[{}])[ \t]*((?:~(?:SEQ|LST)|@\^?\w|\$\w+=)[^]*)$/.exec(text);
    if (inner) {
      line(inner[1] ?? '', at, false, depth + 1);
      line(inner[2] ?? '', at, false, depth + 1);
      return;
    }
    emit(text, at, isAsWritten);
  };

  const includeFiles = (pattern: string, span: Span): void => {
    if (pattern.startsWith('"')) {
      reporter.add(
        'warning',
        'missing-file',
        span,
        `${pattern}: keepalived takes the quotes for a part of the name, and finds no file`,
        'the import includes nothing here either; remove the quotes',
      );
      return;
    }
    const folder = state.folder;
    const full = pattern.startsWith('/') ? pattern : `${folder}/${pattern}`;
    if (/\$\{?\w/.test(pattern)) {
      reporter.error(
        'unresolved-name',
        span,
        `${pattern}: a parameter in it is not defined here, so the file cannot be found`,
        'define it above with $NAME=VALUE, or write the path',
      );
      return;
    }
    const names = /[*?[{]/.test(full) ? context.glob(full) : [full];
    if (names.length === 0)
      reporter.add(
        'warning',
        'missing-file',
        span,
        `no file matches ${full}`,
        'keepalived goes on without it too',
      );
    if (state.files >= INCLUDES) {
      reporter.error(
        'bad-value',
        span,
        'files include one another more than ten deep',
        'look for a file that includes itself',
      );
      return;
    }
    state.files += 1;
    for (const name of names) {
      const text = context.read(name);
      if (text === undefined)
        reporter.error(
          'missing-file',
          span,
          `cannot read ${name}`,
          'import on the machine where the files are, or remove the include line',
        );
      else file({path: name, text});
    }
    state.files -= 1;
    state.folder = folder;
    defined.set('_PWD', folder);
  };

  const file = (one: ImportSource): void => {
    sources.set(one.path, one);
    state.folder = one.path.includes('/') ? one.path.slice(0, one.path.lastIndexOf('/')) || '/' : '.';
    defined.set('_PWD', state.folder);
    for (const {text, start, end, joined, cut} of joinedLines(one.text)) {
      if (cut)
        reporter.add(
          'warning',
          'bad-value',
          {file: one.path, ...cut},
          'keepalived ends the definition at this comment, because it has no \\ at its end: what follows is read on here',
          'compare with what keepalived runs today; in the file, write \\ at the end of the comment or remove it',
        );
      line(text, {file: one.path, start, end}, !joined, 0);
    }
  };

  file(source);
  return {sources, skipped};
}

interface Joined {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly joined: boolean;
  /** A comment in a definition at which keepalived itself ends it. */
  readonly cut?: {readonly start: number; readonly end: number};
}

const isDefinition = /^\s*(?:@\S+\s+)?\$\w+=/;

/**
 * Lines without comments, with those that end in a backslash joined to the next. In a definition the pieces stay lines
 * of their own; a line that is only a comment is stepped over there, an empty one ends the definition.
 */
function* joinedLines(text: string): Generator<Joined> {
  let pending: Joined | undefined;
  for (const line of linesOf(text)) {
    const content = withoutComment(line.text);
    if (pending && content.trim() === '' && line.text.trim() !== '') {
      if (isDefinition.test(pending.text) && !/\\[ \t]*$/.test(line.text))
        pending = {...pending, cut: {start: line.start, end: line.start + line.text.length}};
      continue;
    }
    const isContinued = /\\[ \t]*$/.test(content);
    const piece = content.replace(/\\[ \t]*$/, '');
    const end = line.start + line.text.length;
    const separator: string = pending && isDefinition.test(pending.text) ? '\n' : ' ';
    pending = pending
      ? {...pending, text: `${pending.text}${separator}${piece.trim()}`, end, joined: true}
      : {text: piece, start: line.start, end, joined: false};
    if (isContinued) continue;
    yield pending;
    pending = undefined;
  }
  if (pending) yield pending;
}

function sequenceRounds(list: string, isHexadecimal: boolean): [string, string][][] | undefined {
  const [name = '', ...rest] = list.split(',').map((word) => word.trim());
  const numbers = rest.map((word) =>
    /^[+-]?(0x[\da-f]+|0[0-7]*|[1-9]\d*)$/i.test(word)
      ? // As strtol reads it: a leading 0 is octal.
        Number(word.replace(/^[+-]/, '').replace(/^0(?=[0-7])/, '0o')) * (word.startsWith('-') ? -1 : 1)
      : NaN,
  );
  if (
    !/^[A-Za-z_]\w*$/.test(name) ||
    numbers.length === 0 ||
    numbers.length > 3 ||
    numbers.some(Number.isNaN)
  )
    return undefined;
  const end = numbers.at(-1) ?? 0;
  const start = numbers.length > 1 ? (numbers[0] ?? 0) : end < 0 ? -1 : 1;
  const step = numbers.length === 3 ? (numbers[1] ?? 1) : end >= start ? 1 : -1;
  if (step === 0 || (start < end && step < 0) || (start > end && step > 0)) return undefined;
  if (Math.abs((end - start) / step) > EXPANDED) return undefined;
  const rounds: [string, string][][] = [];
  for (let value = start; step > 0 ? value <= end : value >= end; value += step)
    rounds.push([[name, value.toString(isHexadecimal ? 16 : 10)]]);
  return rounds;
}

function listRounds(list: string): [string, string][][] | undefined {
  const parts = [...list.matchAll(/\{([^}]*)\}|([^,\s][^,]*)/g)].map((match) =>
    (match[1] ?? match[2] ?? '').split(match[1] === undefined ? '\n' : ',').map((word) => word.trim()),
  );
  const [names, ...values] = parts;
  if (!names || values.length === 0 || names.some((name) => !/^[A-Za-z_]\w*$/.test(name))) return undefined;
  return values.map((row) => names.map((name, index) => [name, row[index] ?? '']));
}
