/** A problem in a file, its place, and how to fix it. Pure. */
import {editDistance} from './edit-distance.ts';
import {lineIndex, type LineIndex} from './line-index.ts';
import type {Span} from './model.ts';
import {printable} from './printable.ts';
import {HIDDEN, hideSecrets, secretRanges, urlPatterns} from './redact.ts';
import {showLine} from './show-line.ts';

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
  'invisible-character',
  'not-text',
] as const;

export type DiagnosticCode = (typeof diagnosticCodes)[number];

/** What the files require of the machine; judged on the machine that will run them (src/configuration/machine-judge.ts). */
export const machineCodes = [
  'no-route',
  'unreachable-program',
  'unwritable-file',
  'missing-program',
  'unknown-user',
  'unsafe-permissions',
  'unavailable-name',
  'not-judged',
] as const;

export type MachineCode = (typeof machineCodes)[number];

/** A replacement of a stretch of the file. */
export interface Fix {
  readonly span: Span;
  readonly replacement: string;
}

export interface Diagnostic {
  readonly code: DiagnosticCode | MachineCode;
  readonly severity: 'error' | 'warning' | 'notice';
  readonly span: Span;
  readonly message: string;
  readonly help?: string;
  readonly fix?: readonly Fix[];
}

export interface Source {
  readonly text: string;
  /** Its lines are never quoted: each may hold a key. */
  readonly secret?: boolean;
}

const indexes = new WeakMap<Source, LineIndex>();

/** The source's line index, built once per source. */
export function indexOf(source: Source): LineIndex {
  const known = indexes.get(source) ?? lineIndex(source.text);
  indexes.set(source, known);
  return known;
}

/** Every line of authkeys may hold a key, however it is misspelled. */
const isKeyFile = (file: string, source: Source): boolean =>
  source.secret === true || /authkeys[^/]*$/i.test(file);

/** A shorter secret may also be an ordinary word of the message; it is hidden only between quotes. */
const SHORTEST = 4;

/** The message or help without the secrets of the source's line. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .reduce(
      (safe, secret) =>
        secret.length >= SHORTEST
          ? safe.replaceAll(secret, HIDDEN)
          : safe.replaceAll(`"${secret}"`, `"${HIDDEN}"`),
      hideSecrets(text, urlPatterns, HIDDEN),
    )
    .split('\n')
    .map((line) => printable(line))
    .join('\n');
}

/** The secrets of a line, as written and without their quotes. */
const secretsOf = (line: string): string[] =>
  secretRanges(line).flatMap(({start, end}) => {
    const whole = line.slice(start, end).trim();
    const bare = whole.replace(/^["'“”«»]+|["'“”«»]+$/g, '');
    // A message may quote a part of it; a plain word may also be the message's own.
    const parts = bare
      .split(/[\s&?]+/)
      .flatMap((word) => [word, word.replace(/^\w+[=:]+/, '')])
      .map((word) => (/[^a-z]/.test(word) ? word : word && `"${word}"`));
    return [...new Set([whole, bare, ...parts])].filter((secret) => secret !== '');
  });

/** The diagnostic without secrets, safe to leave the machine. */
export function redactDiagnostic(diagnostic: Diagnostic, sources: ReadonlyMap<string, Source>): Diagnostic {
  const {span, message, help, fix, ...rest} = diagnostic;
  const source = sources.get(span.file);
  const index = source && indexOf(source);
  const secrets = index ? secretsOf(index.line(index.position(span.start).line)) : [];
  return {
    ...rest,
    span,
    message: withoutSecrets(message, secrets),
    ...(help === undefined ? {} : {help: withoutSecrets(help, secrets)}),
    ...(fix === undefined
      ? {}
      : {fix: fix.filter(({replacement}) => !secrets.some((secret) => replacement.includes(secret)))}),
  };
}

/** The diagnostic with position, source line, carets and help; without lines of authkeys, secrets and control characters. */
export function renderDiagnostic(diagnostic: Diagnostic, sources: ReadonlyMap<string, Source>): string {
  const {span, severity, code} = diagnostic;
  const {message, help} = redactDiagnostic(diagnostic, sources);
  const file = printable(span.file);
  const source = sources.get(span.file);
  const helpLine = (pad: string): string[] => (help === undefined ? [] : [`${pad} = help: ${help}`]);
  if (!source) return [`${file}: ${severity}[${code}]: ${message}`, ...helpLine(' ')].join('\n');
  const index = indexOf(source);
  const {line, column} = index.position(span.start);
  const head = `${file}:${line}:${column}: ${severity}[${code}]: ${message}`;
  if (isKeyFile(span.file, source)) return [head, ...helpLine(' ')].join('\n');
  const text = index.line(line);
  const shown = showLine(text, column - 1, column - 1 + span.end - span.start);
  const width = String(line).length;
  const pad = ' '.repeat(width);
  // The line above shows what the indented line belongs to.
  const isIndentation = line > 1 && /^[ \t]/.test(text) && column - 1 < text.length - text.trimStart().length;
  const above = index.line(line - 1);
  return [
    head,
    `${pad} |`,
    ...(isIndentation
      ? [`${String(line - 1).padStart(width)} | ${showLine(above, 0, 1).text}`.trimEnd()]
      : []),
    `${line} | ${shown.text}`,
    `${pad} | ${' '.repeat(shown.start)}${'^'.repeat(shown.length)}`,
    ...helpLine(pad),
  ].join('\n');
}

/** The text with every fix applied; of overlapping fixes the first wins. */
export function applyFixes(text: string, diagnostics: readonly Diagnostic[]): string {
  const fixes = diagnostics
    .flatMap((diagnostic) => diagnostic.fix ?? [])
    .toSorted((a, b) => a.span.start - b.span.start);
  let [result, offset] = ['', 0];
  for (const {span, replacement} of fixes) {
    if (span.start < offset) continue;
    result += text.slice(offset, span.start) + replacement;
    offset = span.end;
  }
  return result + text.slice(offset);
}

/** The nearest of the given words, if close enough to be a typo. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  const most = Math.max(1, Math.floor(word.length / 3));
  return [...words]
    .map((candidate) => ({candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase())}))
    .filter(({distance}) => distance <= most)
    .toSorted((a, b) => a.distance - b.distance)[0]?.candidate;
}
