/** ldirectord.cf as blocks of directives: indentation, comments, quotes. What the values mean comes later. Pure. */
import {nearest} from './diagnostic.ts';
import {
  allNames,
  globalOnly,
  heads,
  isKnown,
  isOurs,
  mayStandInVirtual,
  refused,
  shared,
  virtualOnly,
} from './ldirectord-names.ts';
import type {Span} from './model.ts';
import {linesOf, type Line, type Reporter} from './reader.ts';

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

export interface Block {
  readonly head: Directive;
  readonly lines: readonly Directive[];
}

const indentOf = (text: string): 'none' | 'short' | 'full' => {
  const blanks = /^[ \t]*/.exec(text)?.[0] ?? '';
  if (blanks === '') return 'none';
  return blanks.includes('\t') || blanks.length >= 4 ? 'full' : 'short';
};

/** Up to the first # that is not inside quotes (lenient); ldirectord cuts at the first # anywhere. */
function withoutComment(text: string, quotesProtect: boolean): string {
  let inside = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '"' && quotesProtect) inside = !inside;
    if (text[at] === '#' && !inside) return text.slice(0, at);
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
  // ldirectord leaves the carriage return in the value, where an exact word then does not match.
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

/** Is the stretch behind a virtual line pasted without its indentation? Some line in it can only belong to a virtual. */
function isFlat(lines: readonly Line[], from: number): boolean {
  let seen = false;
  for (const line of lines.slice(from)) {
    if (line.text.trim() === '') break;
    const name = /^([^\s=#]+)[ \t]*=/.exec(line.text)?.[1]?.toLowerCase();
    if (name === undefined) continue;
    if (heads.has(name)) break;
    if (virtualOnly.has(name)) seen = true;
  }
  return seen;
}

/** Splits the file. Every complaint about layout is made here. */
export function splitLdirectord(text: string, reporter: Reporter): {globals: Directive[]; blocks: Block[]} {
  const globals: Directive[] = [];
  const blocks: {head: Directive; lines: Directive[]}[] = [];
  let block: {head: Directive; lines: Directive[]} | undefined;
  let flat = false;
  /** A blank line closed this block; a lenient reader opens it again for an indented line. */
  let closed: typeof block;
  const lenient = reporter.mode === 'lenient';
  const lines = linesOf(text);

  for (const [index, line] of lines.entries()) {
    let content = line.text;
    let shift = 0;
    if (index === 0 && content.startsWith('\uFEFF')) {
      const span = reporter.span(0, 1);
      reporter.repair('byte-order-mark', span, 'the file starts with a byte order mark', 'no mark', [
        {span, replacement: ''},
      ]);
      content = content.slice(1);
      shift = 1;
    }
    const whole = reporter.span(line.start, line.start + line.text.length);
    if (content.trim() === '') {
      if (block && !lenient && content.replaceAll('\t', '    ').length > 4)
        reporter.error('unknown-directive', whole, 'Unknown command (a line of blanks)', 'remove the blanks');
      else if (block && content.replaceAll('\t', '    ').length > 4)
        reporter.add(
          'notice',
          'blank-in-block',
          whole,
          'ldirectord takes this line of blanks for an unknown command',
          'read as an empty line: remove the blanks',
        );
      if (block) closed = block;
      block = undefined;
      continue;
    }
    if (content.trimStart().startsWith('#')) continue;
    const indent = indentOf(content);
    const isBare = /^supervised[ \t]*$/.test(content);
    const cut = indent === 'none' && !lenient ? content : withoutComment(content, lenient);
    const parsed = isBare
      ? directiveOf({...line, carriageReturn: false, start: line.start + shift}, 'supervised=yes', reporter)
      : directiveOf({...line, start: line.start + shift}, cut, reporter);
    if (isBare)
      reporter.add('warning', 'deprecated', whole, 'a bare supervised directive', 'write supervised=yes');
    if (!parsed) {
      reporter.error(
        'unknown-directive',
        whole,
        `Unknown command ${content.trim()}`,
        'every line is name=value; comments start with #',
      );
      continue;
    }
    const directive = knownName(parsed, reporter);
    if (!directive) continue;
    if (refused.has(directive.name)) {
      reporter.error(
        'refused-directive',
        directive.nameSpan,
        `${directive.name} directive deprecated in favour of negotiatetimeout`,
        'use checktimeout or negotiatetimeout',
      );
      continue;
    }
    if (heads.has(directive.name)) {
      if (indent !== 'none') {
        const blanks = reporter.span(line.start, directive.span.start);
        if (
          !reporter.repair(
            'indented-global',
            blanks,
            'a virtual line must start in the first column',
            'the start of a virtual service',
            [{span: blanks, replacement: ''}],
          )
        )
          continue;
      }
      block = {head: directive, lines: []};
      closed = undefined;
      blocks.push(block);
      flat = lenient && isFlat(lines, index + 1);
      continue;
    }
    if (indent === 'none') {
      const home = block ?? closed;
      const belongs =
        home && (virtualOnly.has(directive.name) || (block && flat && mayStandInVirtual(directive.name)));
      if (belongs || (virtualOnly.has(directive.name) && !home)) {
        if (!home) {
          reporter.error(
            'not-indented',
            directive.span,
            `${directive.name} stands before any virtual line`,
            'it belongs in a virtual service: virtual=ADDRESS:PORT, then this line behind a TAB',
          );
          continue;
        }
        const span = reporter.span(line.start, line.start);
        const name = home.head.value.trim();
        const read = reporter.repair(
          'not-indented',
          directive.span,
          `this line of virtual ${name} does not start with a TAB`,
          `a line of virtual ${name}`,
          [{span, replacement: '\t'}],
        );
        if (read) home.lines.push(directive);
        continue;
      }
      block = undefined;
      closed = undefined;
      globals.push(directive);
      continue;
    }
    // Indented lines.
    const home = block ?? (lenient ? closed : undefined);
    const blanks = reporter.span(line.start, directive.span.start);
    if (!home) {
      if (closed)
        reporter.error(
          'blank-in-block',
          directive.span,
          `Unknown command ${directive.name}: the blank line above ended the virtual service`,
          'remove the blank line',
        );
      else if (!mayStandInVirtual(directive.name) || shared.has(directive.name)) {
        if (
          reporter.repair(
            'indented-global',
            blanks,
            `global directive ${directive.name} must start in the first column`,
            'a global directive',
            [{span: blanks, replacement: ''}],
          )
        )
          globals.push(directive);
      } else
        reporter.error(
          'indented-global',
          directive.span,
          `Unknown command ${directive.name}: there is no virtual line above`,
          'start a virtual service with virtual=ADDRESS:PORT',
        );
      continue;
    }
    if (
      indent === 'short' &&
      !reporter.repair(
        'not-indented',
        blanks,
        'a line of a virtual service starts with a TAB or four spaces',
        'a line of the virtual service above',
        [{span: blanks, replacement: '\t'}],
      )
    )
      continue;
    if (!block && closed) {
      reporter.add(
        'notice',
        'blank-in-block',
        directive.span,
        'a blank line stands inside a virtual service',
        'read as if the blank line were not there',
      );
      block = closed;
    }
    if (globalOnly.has(directive.name)) {
      reporter.error(
        'unknown-directive',
        directive.nameSpan,
        `${directive.name} cannot stand in a virtual service`,
        `move ${directive.name} to the top of the file, without indentation`,
      );
      continue;
    }
    home.lines.push(directive);
  }
  const last = blocks.at(-1);
  if (block && !lenient && last?.lines.length === 0 && lines.at(-1)?.text.startsWith('virtual'))
    reporter.error(
      'missing-value',
      last.head.span,
      'a virtual line at the end of the file (ldirectord says: duplicate virtual server)',
      'add its real lines, or an empty line',
    );
  return {globals, blocks};
}

/** The directive with its name put right, or a complaint. */
function knownName(directive: Directive, reporter: Reporter): Directive | undefined {
  if (isOurs(directive.name) && isKnown(directive.name) && reporter.mode === 'strict') {
    reporter.error(
      'unknown-directive',
      directive.nameSpan,
      `Unknown command ${directive.name}`,
      'it is hactl’s own: ldirectord does not know it',
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
