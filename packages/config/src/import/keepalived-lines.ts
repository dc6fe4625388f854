/**
 * keepalived.conf as a tree of statements: comments, quotes, continued lines, includes, @conditions, $PARAMETERS, ~SEQ
 * and ~LST (keepalived.conf(5), 2.2.7). Pure: files are read by the caller's function.
 */
import type {Span} from '../model.ts';
import {linesOf, Reporter} from '../reader.ts';
import type {ImportContext, ImportSource} from './imported.ts';
import {splitWords, withoutComment, type Token} from './keepalived-words.ts';

export interface Word {
  readonly text: string;
  readonly span: Span;
}

export interface Statement {
  /** At least one. */
  readonly words: readonly Word[];
  readonly span: Span;
  /** undefined: no braces behind it. */
  block?: Statement[];
}

export interface Tree {
  readonly statements: readonly Statement[];
  readonly sources: ReadonlyMap<string, ImportSource>;
  /** @lines for other machines. */
  readonly skipped: readonly {readonly span: Span; readonly text: string}[];
}

/** More than any configuration needs; a definition that contains itself would never end. */
const LINES = 50_000;
const DEPTH = 40;

export function readKeepalived(
  source: ImportSource,
  context: Pick<ImportContext, 'configId' | 'read' | 'glob'>,
  reporter: Reporter,
): Tree {
  const sources = new Map<string, ImportSource>();
  const skipped: {span: Span; text: string}[] = [];
  const defined = new Map<string, string>([
    ['_INSTANCE', context.configId],
    ['_HASH', '#'],
    ['_BANG', '!'],
  ]);
  const root: Statement[] = [];
  const open: {statement?: Statement; into: Statement[]}[] = [{into: root}];
  let lines = 0;
  let overflown = false;
  const overflow = (span: Span): void => {
    if (!overflown)
      reporter.error(
        'bad-value',
        span,
        `the definitions expand to more than ${LINES} lines, or into themselves`,
        'look for a $PARAMETER that contains itself, or a ~SEQ that is too long',
      );
    overflown = true;
  };

  const emit = (text: string, span: Span, isAsWritten: boolean): void => {
    const {tokens, closed} = splitWords(text);
    if (!closed)
      reporter.error(
        'unclosed-quote',
        span,
        'a quote is not closed on its line',
        'close it, or end the line with \\ to go on in the next',
      );
    let words: Word[] = [];
    const place = (token: Token): Span =>
      isAsWritten ? {file: span.file, start: span.start + token.start, end: span.start + token.end} : span;
    const finish = (): Statement | undefined => {
      const [first] = words;
      const last = words.at(-1);
      if (!first || !last) return undefined;
      const statement: Statement = {
        words,
        span: {file: span.file, start: first.span.start, end: last.span.end},
      };
      open.at(-1)?.into.push(statement);
      words = [];
      return statement;
    };
    for (const token of tokens) {
      if (token.kind === 'word') {
        words.push({text: token.text, span: place(token)});
        continue;
      }
      const statement = finish();
      if (token.kind === 'open') {
        const target = statement ?? open.at(-1)?.into.at(-1);
        if (!target || target.block) {
          reporter.error('unclosed-block', place(token), 'this { has no name before it', 'write NAME {');
          open.push({into: []});
        } else {
          target.block = [];
          open.push({statement: target, into: target.block});
        }
      } else if (open.length > 1) open.pop();
      else reporter.error('unclosed-block', place(token), 'there is no open block to close', 'remove the }');
    }
    finish();
  };

  const process = (raw: string, span: Span, isAsWritten: boolean, depth: number): void => {
    lines += 1;
    if (overflown || depth > DEPTH || lines > LINES) return overflow(span);
    const text = raw.trim();
    if (text === '') return;
    const at: Span = isAsWritten
      ? {
          file: span.file,
          start: span.start + raw.indexOf(text),
          end: span.start + raw.indexOf(text) + text.length,
        }
      : span;
    const condition = /^@(\^?)(\S*)\s*([^]*)$/.exec(text);
    if (condition) {
      const [, negative = '', id = '', rest = ''] = condition;
      if ((id === context.configId) === (negative === '')) process(rest, at, false, depth + 1);
      else skipped.push({span: at, text: rest});
      return;
    }
    const definition = /^\$([A-Za-z_]\w*)=([^]*)$/.exec(text);
    if (definition) {
      defined.set(definition[1] ?? '', (definition[2] ?? '').trim());
      return;
    }
    const sequence = /^~(SEQx?|LST)\(([^)]*)\)\s*([^]*)$/.exec(text);
    if (sequence) {
      const [, kind = '', list = '', rest = ''] = sequence;
      const rounds = kind === 'LST' ? listRounds(list) : sequenceRounds(list, kind === 'SEQx');
      if (!rounds) {
        reporter.error(
          'bad-value',
          at,
          `cannot read ~${kind}(${list})`,
          '~SEQ(NAME, START, STEP, END) or ~LST(NAME, VALUE, …)',
        );
        return;
      }
      for (const round of rounds) {
        for (const [name, value] of round) defined.set(name, value);
        process(rest, at, false, depth + 1);
        if (overflown) return;
      }
      return;
    }
    const replaced = text.replace(
      /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)(?=\s|$))/g,
      (all, braced?: string, bare?: string) => defined.get(braced ?? bare ?? '') ?? all,
    );
    if (replaced.length > 1_000_000) return overflow(at);
    if (replaced !== text) {
      for (const line of replaced.split('\n')) process(line, at, false, depth + 1);
      return;
    }
    emit(text, at, isAsWritten);
  };

  const file = (one: ImportSource, depth: number): void => {
    sources.set(one.path, one);
    const folder = one.path.includes('/') ? one.path.slice(0, one.path.lastIndexOf('/')) || '/' : '.';
    defined.set('_PWD', folder);
    const at = (start: number, end: number): Span => ({file: one.path, start, end});
    let pending: {text: string; start: number; joined: boolean} | undefined;
    for (const line of linesOf(one.text)) {
      const content = withoutComment(line.text);
      const continued = /\\\s*$/.test(content);
      const piece = content.replace(/\\\s*$/, '');
      const separator = pending && /^\s*(@\S+\s+)?\$\w+=/.test(pending.text) ? '\n' : ' ';
      pending = pending
        ? {text: `${pending.text}${separator}${piece.trim()}`, start: pending.start, joined: true}
        : {text: piece, start: line.start, joined: false};
      if (continued) continue;
      const {text, start, joined} = pending;
      pending = undefined;
      const span = at(start, line.start + line.text.length);
      const include = /^\s*include[rmwba]?\s+(\S[^]*)$/.exec(text);
      if (include) includeFiles((include[1] ?? '').trim().replace(/^"(.*)"$/, '$1'), folder, span, depth);
      else process(text, span, !joined, 0);
    }
    if (pending) process(pending.text, at(pending.start, one.text.length), false, 0);
  };

  const includeFiles = (pattern: string, folder: string, span: Span, depth: number): void => {
    const full = pattern.startsWith('/') ? pattern : `${folder}/${pattern}`;
    const names = /[*?[{]/.test(full) ? context.glob(full) : [full];
    if (names.length === 0)
      reporter.add(
        'warning',
        'missing-file',
        span,
        `no file matches ${full}`,
        'keepalived goes on without it too',
      );
    if (depth >= 10) {
      reporter.error(
        'bad-value',
        span,
        'files include one another more than ten deep',
        'look for a file that includes itself',
      );
      return;
    }
    for (const name of names) {
      const text = context.read(name);
      if (text === undefined)
        reporter.error(
          'missing-file',
          span,
          `cannot read ${name}`,
          'import on the machine where the files are, or remove the include line',
        );
      else file({path: name, text}, depth + 1);
    }
    defined.set('_PWD', folder);
  };

  file(source, 0);
  for (const {statement} of open.slice(1).toReversed())
    if (statement)
      reporter.error(
        'unclosed-block',
        statement.span,
        `the block ${statement.words.map((word) => word.text).join(' ')} is not closed`,
        'add a line with } behind its last line',
      );
  return {statements: root, sources, skipped};
}

function sequenceRounds(list: string, hexadecimal: boolean): [string, string][][] | undefined {
  const [name = '', ...rest] = list.split(',').map((word) => word.trim());
  const numbers = rest.map((word) =>
    /^-?(0x[\da-f]+|\d+)$/i.test(word)
      ? Number(word.replace('-', '')) * (word.startsWith('-') ? -1 : 1)
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
  const start = numbers.length > 1 ? (numbers[0] ?? 0) : end > 0 ? 1 : -1;
  const step = numbers.length === 3 ? (numbers[1] ?? 1) : end >= start ? 1 : -1;
  if (step === 0 || (end - start) / step > LINES) return undefined;
  const rounds: [string, string][][] = [];
  for (let value = start; step > 0 ? value <= end : value >= end; value += step)
    rounds.push([[name, value.toString(hexadecimal ? 16 : 10)]]);
  return rounds;
}

function listRounds(list: string): [string, string][][] | undefined {
  const parts = [...list.matchAll(/\{([^}]*)\}|([^,\s][^,]*)/g)].map((match) =>
    (match[1] ?? match[2] ?? '').split(match[1] === undefined ? '\n' : ',').map((word) => word.trim()),
  );
  const [names, ...values] = parts;
  if (!names || values.length === 0 || names.some((name) => !/^[A-Za-z_]\w*$/.test(name))) return undefined;
  return values.map((row) => names.map((name, at) => [name, row[at] ?? '']));
}
