/** What is wrong with a file, where, and how to mend it. Pure. */
import type {Span} from './model.ts';

/** Every code; docs/configuration.md lists them, codes.test.ts has an example of each. */
export const diagnosticCodes = [
  'unknown-directive',
  'bad-value',
  'missing-value',
  'unusable-value',
  'bad-address',
  'bad-port',
  'unresolved-name',
  'bad-method',
  'fallback-weight',
  'not-indented',
  'indented-global',
  'blank-in-block',
  'typographic-quote',
  'missing-quotes',
  'misspelled',
  'trailing-text',
  'duplicate-virtual',
  'fwmark-without-port',
  'protocol-mismatch',
  'bad-regex',
  'ignored-directive',
  'deprecated',
  'port-mapped',
  'byte-order-mark',
  'refused-directive',
  'builtin-ipfail',
  'late-udpport',
  'weak-authentication',
  'bad-permissions',
  'missing-file',
  'no-media',
  'no-nodes',
  'unknown-node',
  'local-node-missing',
  'interval-order',
  'duplicate-resource',
  'duplicate-address',
  'virtual-without-address',
  'missing-key',
  'connect-only',
  'unclosed-block',
  'unclosed-quote',
  'unknown-format',
] as const;

export type DiagnosticCode = (typeof diagnosticCodes)[number];

/** A replacement of a stretch of the file. */
export interface Fix {
  readonly span: Span;
  readonly replacement: string;
}

export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: 'error' | 'warning' | 'notice';
  readonly span: Span;
  readonly message: string;
  readonly help?: string;
  readonly fix?: readonly Fix[];
}

export interface Source {
  readonly text: string;
}

/** Line and column, from 1, of an offset. */
export function position(text: string, offset: number): {readonly line: number; readonly column: number} {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return {line, column: offset - (before.lastIndexOf('\n') + 1) + 1};
}

/** The diagnostic with its place, its line, carets and help. */
export function renderDiagnostic(diagnostic: Diagnostic, sources: ReadonlyMap<string, Source>): string {
  const {span, severity, code, message, help} = diagnostic;
  const source = sources.get(span.file);
  if (!source)
    return `${span.file}: ${severity}[${code}]: ${message}${help === undefined ? '' : `\n  = help: ${help}`}`;
  const {line, column} = position(source.text, span.start);
  const text = (source.text.split('\n')[line - 1] ?? '').replace(/\r$/, '');
  const shown = text.replaceAll('\t', ' ');
  const width = String(line).length;
  const pad = ' '.repeat(width);
  const carets = '^'.repeat(Math.max(1, Math.min(span.end - span.start, text.length - column + 1)));
  return [
    `${span.file}:${line}:${column}: ${severity}[${code}]: ${message}`,
    `${pad} |`,
    `${line} | ${shown}`,
    `${pad} | ${' '.repeat(column - 1)}${carets}`,
    ...(help === undefined ? [] : [`${pad} = help: ${help}`]),
  ].join('\n');
}

/** The text with every fix applied; of overlapping fixes the first wins. */
export function applyFixes(text: string, diagnostics: readonly Diagnostic[]): string {
  const fixes = diagnostics.flatMap((one) => one.fix ?? []).toSorted((a, b) => a.span.start - b.span.start);
  let [result, at] = ['', 0];
  for (const {span, replacement} of fixes) {
    if (span.start < at) continue;
    result += text.slice(at, span.start) + replacement;
    at = span.end;
  }
  return result + text.slice(at);
}

/** The nearest of some words, when it is near enough to be meant. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  let [best, least] = [undefined as string | undefined, Math.max(1, Math.floor(word.length / 3)) + 1];
  for (const one of words) {
    const distance = editDistance(word.toLowerCase(), one.toLowerCase());
    if (distance < least) [best, least] = [one, distance];
  }
  return best;
}

function editDistance(one: string, other: string): number {
  let row = Array.from({length: other.length + 1}, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1)
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[other.length] ?? 0;
}
