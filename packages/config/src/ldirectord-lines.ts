/** ldirectord.cf as blocks of directives: which virtual service a line belongs to. Values are interpreted later. Pure. */
import {readLine, type Directive, type ReadLine} from './ldirectord-line.ts';
import {globalOnly, heads, mayStandInVirtual, shared, virtualOnly} from './ldirectord-names.ts';
import {linesOf, type Line, type Reporter} from './reader.ts';

export interface Block {
  readonly head: Directive;
  readonly lines: readonly Directive[];
}

type OpenBlock = {readonly head: Directive; readonly lines: Directive[]};
type DirectiveLine = ReadLine & {readonly kind: 'directive'};

/** The reader's state. */
interface Position {
  readonly globals: Directive[];
  readonly blocks: OpenBlock[];
  /** The open virtual service: indented lines belong to it. */
  block: OpenBlock | undefined;
  /** The block that a blank line closed; in lenient mode an indented line reopens it. */
  closed: OpenBlock | undefined;
  /** The lines of the block were pasted without their indentation. */
  flat: boolean;
}

/** Were the lines after a virtual line pasted without their indentation? True if one of them can only belong to a service. */
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

/** Splits the file and reports every problem of layout. */
export function splitLdirectord(text: string, reporter: Reporter): {globals: Directive[]; blocks: Block[]} {
  const position: Position = {globals: [], blocks: [], block: undefined, closed: undefined, flat: false};
  const lines = linesOf(text);
  for (const [index, raw] of lines.entries()) {
    const line = readLine(raw, reporter);
    if (line?.kind === 'blank') onBlank(position, line, reporter);
    else if (line && heads.has(line.directive.name))
      onHead(position, line, () => isFlat(lines, index + 1), reporter);
    else if (line?.indent === 'none') onUnindented(position, line, reporter);
    else if (line) onIndented(position, line, reporter);
  }
  onEnd(position, lines.at(-1)?.text ?? '', reporter);
  return {globals: position.globals, blocks: position.blocks};
}

/** A blank line ends the virtual service. */
function onBlank(position: Position, {span, long}: ReadLine & {kind: 'blank'}, reporter: Reporter): void {
  if (!position.block) return;
  if (long && reporter.mode === 'strict')
    reporter.error('unknown-directive', span, 'Unknown command (a line of blanks)', 'remove the blanks');
  else if (long)
    reporter.add(
      'notice',
      'blank-in-block',
      span,
      'ldirectord reads this line of blanks as an unknown command',
      'read as an empty line: remove the blanks',
    );
  position.closed = position.block;
  position.block = undefined;
}

/** A virtual line starts a service. */
function onHead(
  position: Position,
  {indent, directive, start}: DirectiveLine,
  isFollowedFlat: () => boolean,
  reporter: Reporter,
): void {
  if (indent !== 'none') {
    const blanks = reporter.span(start, directive.span.start);
    const read = reporter.repair(
      'indented-global',
      blanks,
      'a virtual line must start in the first column',
      'the start of a virtual service',
      [{span: blanks, replacement: ''}],
    );
    if (!read) return;
  }
  position.block = {head: directive, lines: []};
  position.closed = undefined;
  position.blocks.push(position.block);
  position.flat = reporter.mode === 'lenient' && isFollowedFlat();
}

/** A line in the first column: a global directive, or one of a virtual service that lost its indentation. */
function onUnindented(position: Position, {directive, start}: DirectiveLine, reporter: Reporter): void {
  const home = position.block ?? position.closed;
  const belongs =
    virtualOnly.has(directive.name) || (position.block && position.flat && mayStandInVirtual(directive.name));
  if (!belongs) {
    position.block = undefined;
    position.closed = undefined;
    position.globals.push(directive);
    return;
  }
  if (!home) {
    reporter.error(
      'not-indented',
      directive.span,
      `${directive.name} stands before any virtual line`,
      'it belongs in a virtual service: virtual=ADDRESS:PORT, then this line after a TAB',
    );
    return;
  }
  const name = home.head.value.trim();
  const read = reporter.repair(
    'not-indented',
    directive.span,
    `this line of virtual ${name} does not start with a TAB`,
    `a line of virtual ${name}`,
    [{span: reporter.span(start, start), replacement: '\t'}],
  );
  if (read) home.lines.push(directive);
}

/** An indented line belongs to the virtual service above. */
function onIndented(position: Position, line: DirectiveLine, reporter: Reporter): void {
  const {indent, directive, start} = line;
  const home = position.block ?? (reporter.mode === 'lenient' ? position.closed : undefined);
  if (!home) return onOrphan(position, line, reporter);
  if (indent === 'short') {
    const blanks = reporter.span(start, directive.span.start);
    const read = reporter.repair(
      'not-indented',
      blanks,
      'a line of a virtual service starts with a TAB or four spaces',
      'a line of the virtual service above',
      [{span: blanks, replacement: '\t'}],
    );
    if (!read) return;
  }
  if (!position.block) {
    reporter.add(
      'notice',
      'blank-in-block',
      directive.span,
      'a blank line stands inside a virtual service',
      'read as if the blank line were not there',
    );
    position.block = home;
  }
  if (globalOnly.has(directive.name))
    reporter.error(
      'unknown-directive',
      directive.nameSpan,
      `${directive.name} cannot stand in a virtual service`,
      `move ${directive.name} to the top of the file, without indentation`,
    );
  else home.lines.push(directive);
}

/** An indented line with no virtual service open above it. */
function onOrphan(position: Position, {directive, start}: DirectiveLine, reporter: Reporter): void {
  if (position.closed) {
    reporter.error(
      'blank-in-block',
      directive.span,
      `Unknown command ${directive.name}: the blank line above ended the virtual service`,
      'remove the blank line',
    );
    return;
  }
  if (mayStandInVirtual(directive.name) && !shared.has(directive.name)) {
    reporter.error(
      'indented-global',
      directive.span,
      `Unknown command ${directive.name}: there is no virtual line above`,
      'start a virtual service with virtual=ADDRESS:PORT',
    );
    return;
  }
  const blanks = reporter.span(start, directive.span.start);
  const read = reporter.repair(
    'indented-global',
    blanks,
    `global directive ${directive.name} must start in the first column`,
    'a global directive',
    [{span: blanks, replacement: ''}],
  );
  if (read) position.globals.push(directive);
}

/** ldirectord refuses a virtual line at the end of the file. */
function onEnd({block, blocks}: Position, lastLine: string, reporter: Reporter): void {
  const last = blocks.at(-1);
  if (!block || reporter.mode === 'lenient' || last?.lines.length !== 0 || !lastLine.startsWith('virtual'))
    return;
  reporter.error(
    'missing-value',
    last.head.span,
    'a virtual line at the end of the file (ldirectord says: duplicate virtual server)',
    'add its real lines, or an empty line',
  );
}
