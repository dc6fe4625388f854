/** One line of ldirectord.cf: blank, or a directive with its indentation. Values are interpreted later. Pure. */
import {nearest} from './diagnostic.ts';
import {allNames, isKnown, isOurs, refused} from './ldirectord-names.ts';
import type {Span} from './model.ts';
import type {Line, Reporter} from './reader.ts';

/** `name=value` with the offsets that diagnostics point at. */
export interface Directive {
  readonly name: string;
  readonly value: string;
  readonly span: Span;
  readonly nameSpan: Span;
  readonly valueSpan: Span;
  /** Read as a line of a virtual service. */
  readonly indented: boolean;
}

/** A tab or four blanks are `full`; ldirectord reads a line with fewer blanks as an unknown command. */
export type Indent = 'none' | 'short' | 'full';

/** The kind of a line; undefined when it is a comment or was refused with a diagnostic. */
export type ReadLine =
  | {
      readonly kind: 'blank';
      readonly span: Span;
      /** Blanks that ldirectord reads as a command. */
      readonly long: boolean;
    }
  | {
      readonly kind: 'directive';
      readonly indent: Indent;
      readonly directive: Directive;
      readonly start: number;
    };

const indentOf = (text: string): Indent => {
  const blanks = /^[ \t]*/.exec(text)?.[0] ?? '';
  if (blanks === '') return 'none';
  return blanks.includes('\t') || blanks.length >= 4 ? 'full' : 'short';
};

/** Up to the first # that is not inside quotes (lenient); ldirectord cuts at the first # anywhere. */
function withoutComment(text: string, quotesProtect: boolean): string {
  let inside = false;
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === '"' && quotesProtect) inside = !inside;
    if (text[index] === '#' && !inside) return text.slice(0, index);
  }
  return text;
}

function directiveOf(line: Line, text: string, reporter: Reporter): Directive | undefined {
  const match = /^([ \t]*)([^\s=]+)([ \t]*=[ \t]*)([^]*)$/.exec(text);
  if (!match) return undefined;
  const [, blanks = '', name = '', equals = '', value = ''] = match;
  const nameStart = line.start + blanks.length;
  const valueStart = nameStart + name.length + equals.length;
  const trimmed = value.trimEnd();
  // ldirectord leaves the carriage return in the value, so an exact word does not match.
  const kept = line.carriageReturn && reporter.mode === 'strict' ? '\r' : '';
  return {
    name,
    value: value + kept,
    span: reporter.span(nameStart, valueStart + trimmed.length),
    nameSpan: reporter.span(nameStart, nameStart + name.length),
    valueSpan: reporter.span(valueStart, Math.max(valueStart + 1, valueStart + trimmed.length)),
    indented: blanks !== '',
  };
}

/** The first line without its byte order mark. */
function withoutMark(line: Line, reporter: Reporter): Line {
  if (line.number !== 1 || !line.text.startsWith('\uFEFF')) return line;
  const span = reporter.span(0, 1);
  reporter.repair('byte-order-mark', span, 'the file starts with a byte order mark', 'no mark', [
    {span, replacement: ''},
  ]);
  return {...line, text: line.text.slice(1), start: line.start + 1};
}

/** Reads one line. The caller reports problems that depend on the lines around it. */
export function readLine(raw: Line, reporter: Reporter): ReadLine | undefined {
  const whole = reporter.span(raw.start, raw.start + raw.text.length);
  const line = withoutMark(raw, reporter);
  const {text} = line;
  if (text.trim() === '') return {kind: 'blank', span: whole, long: text.replaceAll('\t', '    ').length > 4};
  if (text.trimStart().startsWith('#')) return undefined;
  const indent = indentOf(text);
  const written = writtenDirective(line, indent, whole, reporter);
  if (!written) {
    reporter.error(
      'unknown-directive',
      whole,
      `Unknown command ${text.trim()}`,
      'every line is name=value; comments start with #',
    );
    return undefined;
  }
  const directive = knownName(written, reporter);
  if (!directive) return undefined;
  if (refused.has(directive.name)) {
    reporter.error(
      'refused-directive',
      directive.nameSpan,
      `${directive.name} directive deprecated in favour of negotiatetimeout`,
      'use checktimeout or negotiatetimeout',
    );
    return undefined;
  }
  return {kind: 'directive', indent, directive, start: raw.start};
}

/** The line as `name=value`; a bare `supervised` is `supervised=yes`. */
function writtenDirective(
  line: Line,
  indent: Indent,
  whole: Span,
  reporter: Reporter,
): Directive | undefined {
  const lenient = reporter.mode === 'lenient';
  if (/^supervised[ \t]*$/.test(line.text)) {
    reporter.add('warning', 'deprecated', whole, 'a bare supervised directive', 'write supervised=yes');
    return directiveOf({...line, carriageReturn: false}, 'supervised=yes', reporter);
  }
  const text = indent === 'none' && !lenient ? line.text : withoutComment(line.text, lenient);
  return directiveOf(line, text, reporter);
}

/** The directive with its name corrected, or a diagnostic. */
function knownName(directive: Directive, reporter: Reporter): Directive | undefined {
  if (isOurs(directive.name) && isKnown(directive.name) && reporter.mode === 'strict') {
    reporter.error(
      'unknown-directive',
      directive.nameSpan,
      `Unknown command ${directive.name}`,
      'it is an extension of hactl, unknown to ldirectord',
    );
    return undefined;
  }
  if (isKnown(directive.name)) return directive;
  const lower = directive.name.toLowerCase();
  const fix = (name: string) => [{span: directive.nameSpan, replacement: name}];
  if (isKnown(lower))
    return reporter.repair(
      'misspelled',
      directive.nameSpan,
      `directive names are written in lower case: ${directive.name}`,
      lower,
      fix(lower),
    )
      ? {...directive, name: lower}
      : undefined;
  const near = nearest(directive.name, allNames);
  reporter.error(
    'unknown-directive',
    directive.nameSpan,
    `Unknown command ${directive.name}`,
    near === undefined ? 'docs/configuration.md lists every directive' : `did you mean ${near}?`,
  );
  return undefined;
}
