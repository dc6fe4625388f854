/**
 * keepalived's preprocessor: includes, @conditions, single-line and multi-line $PARAMETERS, ~SEQ, ~SEQx and ~LST. Emits the
 * resulting lines in order. Pure: files are read by the caller's functions.
 */
import type {Span} from '../model.ts';
import type {Reporter} from '../reader.ts';
import type {ImportContext, ImportSource} from './imported.ts';
import {joinedLines} from './keepalived-joined.ts';
import {EXPANDED, listRounds, sequenceRounds} from './keepalived-sequence.ts';
import {withoutComment} from './keepalived-words.ts';

const DEPTH = 40;
const LENGTH = 1_000_000;
const INCLUDES = 10;

export interface Skipped {
  readonly span: Span;
  readonly text: string;
}

/** Receives a line for the parser; `isAsWritten`: columns of the text are columns of the file. */
export type Emit = (text: string, span: Span, isAsWritten: boolean) => void;

export interface Preprocessed {
  readonly sources: ReadonlyMap<string, ImportSource>;
  /** @lines for other configuration ids. */
  readonly skipped: readonly Skipped[];
}

const parameter = /\$(?:\{([A-Za-z_]\w*)((?:[ \t]+\w+)*)\}|([A-Za-z_]\w*)(?=[\s,)]|$))/g;
const includeLine = /^include[rmwba]?[ \t]+(\S[^]*)$/;

/** State of a run: definitions so far, open files, and where lines go. */
interface Run {
  readonly context: Pick<ImportContext, 'configId' | 'read' | 'glob'>;
  readonly reporter: Reporter;
  readonly emit: Emit;
  readonly sources: Map<string, ImportSource>;
  readonly skipped: Skipped[];
  readonly defined: Map<string, string>;
  /** Number of lines from definitions and sequences. */
  expanded: number;
  overflown: boolean;
  /** Depth of nested includes. */
  files: number;
  folder: string;
}

export function preprocess(
  source: ImportSource,
  context: Pick<ImportContext, 'configId' | 'read' | 'glob'>,
  reporter: Reporter,
  emit: Emit,
): Preprocessed {
  const run: Run = {
    context,
    reporter,
    emit,
    sources: new Map(),
    skipped: [],
    defined: new Map([
      ['_INSTANCE', context.configId],
      ['_HASH', '#'],
      ['_BANG', '!'],
    ]),
    expanded: 0,
    overflown: false,
    files: 0,
    folder: '.',
  };
  processFile(run, source);
  return {sources: run.sources, skipped: run.skipped};
}

function overflow(run: Run, span: Span): void {
  if (!run.overflown)
    run.reporter.error(
      'bad-value',
      span,
      `the definitions expand to more than ${EXPANDED} lines, or into themselves`,
      'look for a $PARAMETER that contains itself, or for a ~SEQ that is too long',
    );
  run.overflown = true;
}

/** Substitutes the parameters in a text. */
const replaced = (run: Run, text: string, span: Span): string =>
  text.replace(parameter, (all, braced?: string, words = '', bare?: string) => {
    const name = braced ?? bare ?? '';
    const value = words === '' ? run.defined.get(name) : undefined;
    if (value !== undefined) return value;
    if (name === '_RANDOM' || name === '_ENV')
      run.reporter.error(
        'unresolved-name',
        span,
        name === '_RANDOM'
          ? `${all}: keepalived generates a random number here at each start`
          : `${all}: keepalived reads this from its environment, which the import does not know`,
        'write the value instead',
      );
    return name === '_RANDOM' || name === '_ENV' ? '0' : all;
  });

/** Expands `~SEQ`, `~SEQx` and `~LST`. False: the line is none of these. */
function expandSequence(run: Run, text: string, span: Span, depth: number): boolean {
  const head = /^~(SEQx?|LST)[ \t]*\(([^)]*)\)[ \t]*([^]*)$/.exec(text);
  if (!head) return false;
  const [, kind = '', written = '', rest = ''] = head;
  const list = replaced(run, written, span);
  const rounds = kind === 'LST' ? listRounds(list) : sequenceRounds(list, kind === 'SEQx');
  if (!rounds) {
    run.reporter.add(
      'warning',
      'bad-value',
      span,
      `cannot read ~${kind}(${list}): keepalived ignores the line`,
      'the import does too; write ~SEQ(NAME, START, STEP, END) or ~LST(NAME, VALUE, …)',
    );
    return true;
  }
  for (const round of rounds) {
    if (run.overflown) break;
    for (const [name, value] of round) run.defined.set(name, value);
    processLine(run, rest, span, false, depth + 1);
  }
  return true;
}

/** Processes a line without comments and continuations. */
function processLine(run: Run, raw: string, span: Span, isAsWritten: boolean, depth: number): void {
  if (depth > 0) run.expanded += 1;
  if (run.overflown || depth > DEPTH || run.expanded > EXPANDED || raw.length > LENGTH)
    return overflow(run, span);
  const text = raw.trim();
  if (text === '') return;
  const start = span.start + raw.indexOf(text);
  const textSpan: Span = isAsWritten ? {file: span.file, start, end: start + text.length} : span;
  // Fast path for nearly all lines.
  if (!/[@$~]|(?:^|[{}][ \t]*)include/.test(text)) return run.emit(text, textSpan, isAsWritten);
  const condition = /^@(\^?)(\S*)[ \t]*([^]*)$/.exec(text);
  if (condition) {
    const [, negative = '', id = '', rest = ''] = condition;
    if ((id === run.context.configId) === (negative === ''))
      processLine(run, rest, textSpan, false, depth + 1);
    else run.skipped.push({span: textSpan, text: rest});
    return;
  }
  const definition = /^\$([A-Za-z_]\w*)([ \t]*)=([^]*)$/.exec(text);
  if (definition?.[2] === '') {
    run.defined.set(definition[1] ?? '', (definition[3] ?? '').trim());
    return;
  }
  if (definition)
    run.reporter.add(
      'warning',
      'bad-value',
      textSpan,
      `$${definition[1]} = …: not a definition for keepalived, because of the blank before =`,
      `the import ignores it too; write $${definition[1]}=VALUE`,
    );
  if (expandSequence(run, text, textSpan, depth)) return;
  if (text.includes('$')) {
    const full = replaced(run, text, textSpan);
    if (full !== text) {
      for (const part of full.split('\n')) processLine(run, withoutComment(part), textSpan, false, depth + 1);
      return;
    }
  }
  const include = includeLine.exec(text);
  if (include) return includeFiles(run, (include[1] ?? '').trim(), textSpan);
  // To keepalived the text after a brace is a new line; it may be a condition, a sequence or an include.
  const inner =
    /^((?:[^"{}]|"[^"]*")*[{}])[ \t]*((?:~(?:SEQ|LST)|@\^?\w|\$\w+=|include[rmwba]?[ \t])[^]*)$/.exec(text);
  if (inner) {
    processLine(run, inner[1] ?? '', textSpan, false, depth + 1);
    processLine(run, inner[2] ?? '', textSpan, false, depth + 1);
    return;
  }
  run.emit(text, textSpan, isAsWritten);
}

function includeFiles(run: Run, pattern: string, span: Span): void {
  if (pattern.startsWith('"')) {
    run.reporter.add(
      'warning',
      'missing-file',
      span,
      `${pattern}: to keepalived the quotes are part of the name, and it finds no file`,
      'the import includes no file either; remove the quotes',
    );
    return;
  }
  const folder = run.folder;
  const full = pattern.startsWith('/') ? pattern : `${folder}/${pattern}`;
  if (/\$\{?\w/.test(pattern)) {
    run.reporter.error(
      'unresolved-name',
      span,
      `${pattern}: a parameter in it is not defined, so the file cannot be found`,
      'define it above with $NAME=VALUE, or write the path',
    );
    return;
  }
  const names = /[*?[{]/.test(full) ? run.context.glob(full) : [full];
  if (names.length === 0)
    run.reporter.add(
      'warning',
      'missing-file',
      span,
      `no file matches ${full}`,
      'keepalived continues without it too',
    );
  if (run.files >= INCLUDES) {
    run.reporter.error(
      'bad-value',
      span,
      'includes are nested more than ten levels deep',
      'look for a file that includes itself',
    );
    return;
  }
  run.files += 1;
  for (const name of names) {
    const text = run.context.read(name);
    if (text === undefined)
      run.reporter.error(
        'missing-file',
        span,
        `cannot read ${name}`,
        'run the import on the machine that has the files, or remove the include line',
      );
    else processFile(run, {path: name, text});
  }
  run.files -= 1;
  run.folder = folder;
  run.defined.set('_PWD', folder);
}

function processFile(run: Run, source: ImportSource): void {
  run.sources.set(source.path, source);
  run.folder = source.path.includes('/') ? source.path.slice(0, source.path.lastIndexOf('/')) || '/' : '.';
  run.defined.set('_PWD', run.folder);
  for (const {text, start, end, joined, cut} of joinedLines(source.text)) {
    if (cut)
      run.reporter.add(
        'warning',
        'bad-value',
        {file: source.path, ...cut},
        'keepalived ends the definition at this comment, because it does not end in \\: the import continues it',
        'compare with what keepalived runs today; end the comment in \\ or remove it',
      );
    processLine(run, text, {file: source.path, start, end}, !joined, 0);
  }
}
