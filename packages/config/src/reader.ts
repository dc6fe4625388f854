/** Lines of a file with their offsets, and a collector of diagnostics. Pure. */
import type {Diagnostic, DiagnosticCode, Fix} from './diagnostic.ts';
import type {Mode, Span} from './model.ts';

/** One line without its line break. */
export interface Line {
  readonly text: string;
  readonly start: number;
  readonly number: number;
  /** The line ends with CRLF. */
  readonly carriageReturn: boolean;
}

/** Host and service names are looked up by the caller; the parsers stay pure. */
export interface Resolver {
  host(name: string, family: 4 | 6): string | undefined;
  service(name: string, protocol: string): number | undefined;
}

/** Splits a text into lines; the carriage return of a CRLF is not part of the line. */
export const linesOf = (text: string): Line[] => [...eachLine(text)];

/** The same as an iterator: a large file is read without a list of all its lines. */
export function* eachLine(text: string): Generator<Line> {
  let number = 0;
  for (let start = 0; start <= text.length;) {
    const found = text.indexOf('\n', start);
    const end = found === -1 ? text.length : found;
    const carriageReturn = end > start && text[end - 1] === '\r';
    const line = text.slice(start, carriageReturn ? end - 1 : end);
    // There is no line after the last line break.
    if (found === -1 && line === '') return;
    number += 1;
    yield {text: line, start, number, carriageReturn};
    start = end + 1;
  }
}

/** Collects the diagnostics of one file. */
export class Reporter {
  readonly file: string;
  readonly mode: Mode;
  /** A byte order mark may be read as a blank. */
  readonly blankMark: boolean;
  readonly diagnostics: Diagnostic[] = [];

  constructor(file: string, mode: Mode, {blankMark = true}: {readonly blankMark?: boolean} = {}) {
    this.file = file;
    this.mode = mode;
    this.blankMark = blankMark;
  }

  span(start: number, end: number): Span {
    return {file: this.file, start, end};
  }

  add(
    severity: Diagnostic['severity'],
    code: DiagnosticCode,
    span: Span,
    message: string,
    help?: string,
    fix?: readonly Fix[],
  ): void {
    this.diagnostics.push({
      code,
      severity,
      span,
      message,
      ...(help === undefined ? {} : {help}),
      ...(fix === undefined ? {} : {fix}),
    });
  }

  error(code: DiagnosticCode, span: Span, message: string, help: string): void {
    this.add('error', code, span, message, help);
  }

  /** A repair: an error in strict mode, a notice in lenient mode. True when the repaired reading may be used. */
  repair(code: DiagnosticCode, span: Span, message: string, meant: string, fix: readonly Fix[]): boolean {
    const lenient = this.mode === 'lenient';
    this.add(
      lenient ? 'notice' : 'error',
      code,
      span,
      message,
      lenient ? `read as ${meant}` : `probably meant: ${meant}`,
      fix,
    );
    return lenient;
  }
}
