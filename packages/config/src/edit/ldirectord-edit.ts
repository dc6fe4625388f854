/**
 * Edits ldirectord.cf as a careful administrator would: only the line in question changes; every other line, comment and blank
 * stays as it is. A disabled service stays in the file, each line prefixed with `#off `. Pure.
 */
import {fail, ok, type Result} from '@hactl/base';
import {cleanText} from '../clean-text.ts';
import type {Directive} from '../ldirectord-line.ts';
import {splitLdirectord, type Block} from '../ldirectord-lines.ts';
import {Reporter} from '../reader.ts';
import {applyEdits, insertAfterLine, lineEnd, wholeLine, type TextEdit} from './text-edit.ts';

/** The prefix of each line of a disabled service. */
const OFF = '#off ';

/** The value of its `virtual=` line as written; of several with that value (tcp and udp) the one at `nth`, from 0. */
interface Named {
  readonly virtual: string;
  readonly nth?: number;
}

/** One change. A real server is named by the value of its `real=` line as written. */
export type LdirectordEdit =
  | {readonly type: 'set-global'; readonly name: string; readonly value: string | undefined}
  | (Named & {readonly type: 'set'; readonly name: string; readonly value: string | undefined})
  | (Named & {readonly type: 'rename'; readonly to: string})
  | {readonly type: 'add-virtual'; readonly virtual: string; readonly lines: readonly Setting[]}
  | (Named & {readonly type: 'remove-virtual'})
  | (Named & {readonly type: 'switch'; readonly on: boolean})
  | (Named & {readonly type: 'add-real'; readonly real: string})
  | (Named & {readonly type: 'set-real'; readonly real: string; readonly to: string})
  | (Named & {readonly type: 'remove-real'; readonly real: string});

/** `name=value`, as written. */
export interface Setting {
  readonly name: string;
  readonly value: string;
}

/** A service as written in the file. */
export interface WrittenVirtual {
  readonly virtual: string;
  readonly on: boolean;
  /** How many before it have the same `virtual` and `on`. */
  readonly nth: number;
  /** In the order of the file; `real` (`real6`) lines among them. */
  readonly lines: readonly Setting[];
}

const setting = ({name, value}: Directive): Setting => ({name, value: value.trim()});

function blocksOf(text: string): {globals: Directive[]; blocks: Block[]} {
  const reporter = new Reporter('ldirectord.cf', 'lenient', {blankMark: false});
  // Same length, so offsets are valid in both.
  return splitLdirectord(cleanText(text, reporter) ?? '', reporter);
}

/** Directives of which every line is effective. */
const accumulating: ReadonlySet<string> = new Set(['real', 'real6', 'hactl_check', 'execute']);

const isReal = (name: string): boolean => name === 'real' || name === 'real6';

/** Directives with a different name in a `virtual6` service. */
const namesFor6: Readonly<Record<string, string>> = {real: 'real6', fallback: 'fallback6'};
const nameIn = (block: Block, name: string): string =>
  (block.head.name === 'virtual6' ? namesFor6[name] : undefined) ?? name;

/** Disabled services with the position of each line: other lines may be interspersed. */
function switchedOff(text: string): {virtual: string; start: number; end: number; body: string}[] {
  const lines = text.split('\n');
  let offset = 0;
  const found: {virtual: string; start: number; end: number; body: string}[] = [];
  let open = false;
  for (const line of lines) {
    const end = Math.min(text.length, offset + line.length + 1);
    const content = line.replace(/\r$/, '');
    const bare = content.startsWith(OFF) ? content.slice(OFF.length) : undefined;
    const head = bare === undefined ? undefined : /^virtual6?[ \t]*=[ \t]*([^#]*?)[ \t]*(#.*)?$/.exec(bare);
    const last = found.at(-1);
    if (head) found.push({virtual: head[1] ?? '', start: offset, end, body: bare + '\n'});
    else if (bare !== undefined && open && last) Object.assign(last, {end, body: last.body + bare + '\n'});
    // Comments and blank lines among them do not end the block.
    if (bare === undefined) open &&= /^\s*(?:#|$)/.test(content);
    else open = head !== null || open;
    offset = end;
  }
  return found;
}

const numbered = (services: readonly Omit<WrittenVirtual, 'nth'>[]): WrittenVirtual[] =>
  services.map((service, index) => ({
    ...service,
    nth: services.slice(0, index).filter(({virtual, on}) => virtual === service.virtual && on === service.on).length,
  })); // prettier-ignore

/** Every service in file order, the disabled ones last. */
export function writtenVirtuals(text: string): WrittenVirtual[] {
  const on = blocksOf(text).blocks.map(({head, lines}) => ({
    virtual: head.value.trim(),
    on: true,
    lines: lines.map(setting),
  }));
  const off = switchedOff(text).flatMap(({body}) =>
    blocksOf(body).blocks.map(({head, lines}) => ({
      virtual: head.value.trim(),
      on: false,
      lines: lines.map(setting),
    })),
  );
  return numbered([...on, ...off]);
}

/** The settings of the file outside any service. */
export const writtenGlobals = (text: string): Setting[] => blocksOf(text).globals.map(setting);

/** The indentation of the block's lines: the first line's, or a TAB. */
function indentOf(text: string, block: Block): string {
  const [first] = block.lines;
  if (!first) return '\t';
  return text.slice(wholeLine(text, first.span.start).start, first.span.start) || '\t';
}

/** Removes the directive's whole line. */
const removeLine = (text: string, {span}: Directive): TextEdit => ({
  ...wholeLine(text, span.start),
  replacement: '',
});

/** The value as written, without trailing blanks and comment. */
const replaceValue = ({valueSpan, value}: Directive, to: string): TextEdit => ({
  start: valueSpan.start,
  end: valueSpan.start + value.trimEnd().length,
  replacement: to,
});

/** Changes, adds or removes one setting among `lines`; of a repeated setting the last line is changed, as it is effective. */
function setAmong(
  text: string,
  lines: readonly Directive[],
  after: number,
  indent: string,
  to: {
    readonly name: string;
    readonly value: string | undefined;
    /** The name under which it was read. */
    readonly alias?: string;
  },
): TextEdit[] {
  const existing = lines.filter(({name}) => name === to.name || name === to.alias);
  if (to.value === undefined) return existing.map((directive) => removeLine(text, directive));
  const last = existing.at(-1);
  if (last) return last.value.trim() === to.value ? [] : [replaceValue(last, to.value)];
  return [insertAfterLine(text, after, `${indent}${to.name}=${to.value}`)];
}

/** Why a single value cannot replace the existing lines. */
function refusalOf(lines: readonly Directive[], name: string): string | undefined {
  const count = lines.filter((line) => line.name === name).length;
  return accumulating.has(name) && count > 1
    ? `${name} stands on ${count} lines, each of which counts: change the line in the file itself`
    : undefined;
}

const lineHeads = (text: string, start: number, end: number): number[] =>
  [...text.slice(start, end).matchAll(/^/gm)]
    .map(({index}) => start + index)
    .filter((index) => index < end || index === start);

const lastOf = ({head, lines}: Block): number => (lines.at(-1) ?? head).span.start;

function editBlock(text: string, block: Block, edit: LdirectordEdit): Result<TextEdit[], string> {
  const real = (value: string) =>
    block.lines.find((line) => isReal(line.name) && line.value.trim() === value.trim());
  const missing = (value: string) =>
    fail(
      `virtual ${block.head.value.trim()} has no line real=${value}: reload the page, the file has changed`,
    );
  const span = {
    start: wholeLine(text, block.head.span.start).start,
    end: wholeLine(text, lastOf(block)).end,
  };
  switch (edit.type) {
    case 'set': {
      const refusal = refusalOf(block.lines, edit.name);
      if (refusal !== undefined) return fail(refusal);
      const to = {name: nameIn(block, edit.name), alias: edit.name, value: edit.value};
      return ok(setAmong(text, block.lines, lastOf(block), indentOf(text, block), to));
    }
    case 'rename':
      return ok([replaceValue(block.head, edit.to)]);
    case 'remove-virtual':
      return ok([{...span, replacement: ''}]);
    case 'switch':
      return ok(
        lineHeads(text, span.start, span.end).map((start) => ({start, end: start, replacement: OFF})),
      );
    case 'add-real': {
      const last = block.lines.findLast(({name}) => isReal(name)) ?? block.head;
      const indent = indentOf(text, block);
      return ok([insertAfterLine(text, last.span.start, `${indent}${nameIn(block, 'real')}=${edit.real}`)]);
    }
    case 'set-real': {
      const line = real(edit.real);
      return line ? ok([replaceValue(line, edit.to)]) : missing(edit.real);
    }
    case 'remove-real': {
      const line = real(edit.real);
      return line ? ok([removeLine(text, line)]) : missing(edit.real);
    }
    default:
      return ok([]);
  }
}

/** A line break in a value would start a new directive: no value from a form may contain one. */
const isOneLine = (value: string): boolean => !/[\r\n\0]/.test(value);

const valuesOf = (edit: LdirectordEdit): string[] =>
  Object.values(edit).flatMap((value: unknown) => {
    if (typeof value === 'string') return [value];
    return Array.isArray(value) ? value.flatMap((line: Setting) => [line.name, line.value]) : [];
  });

/** As the parser fills it in. */
const protocolOf = (virtual: string, lines: readonly Setting[]): string =>
  lines
    .findLast(({name}) => name === 'protocol')
    ?.value.trim()
    .toLowerCase() ?? (/:(?:53|domain)$/.test(virtual.trim()) ? 'udp' : 'tcp');

/** The text after one edit, or the reason why it is impossible. An edit that changes nothing returns the same text. */
export function editLdirectord(text: string, edit: LdirectordEdit): Result<string, string> {
  if (!valuesOf(edit).every(isOneLine)) return fail('a value must be one line');
  const {globals, blocks} = blocksOf(text);
  const eol = lineEnd(text);
  if (edit.type === 'set-global') {
    const refusal = refusalOf(globals, edit.name);
    if (refusal !== undefined) return fail(refusal);
    const last = globals.at(-1);
    if (last || edit.value === undefined)
      return ok(applyEdits(text, setAmong(text, globals, last?.span.start ?? 0, '', edit)));
    return ok(`${edit.name}=${edit.value}${eol}${text}`);
  }
  if (edit.type === 'add-virtual') {
    const same = blocks.filter(({head}) => head.value.trim() === edit.virtual.trim());
    if (same.some(({lines}) => protocolOf(edit.virtual, lines) === protocolOf(edit.virtual, edit.lines)))
      return fail(`there is a virtual=${edit.virtual} already`);
    const six = edit.virtual.trim().startsWith('[');
    const lines = [
      `${six ? 'virtual6' : 'virtual'}=${edit.virtual}`,
      ...edit.lines.map(({name, value}) => `\t${(six ? namesFor6[name] : undefined) ?? name}=${value}`),
    ];
    const gap = text === '' || /(^|\n)[ \t]*\r?\n$/.test(text) ? '' : eol;
    const ended = text === '' || text.endsWith('\n') ? '' : eol;
    return ok(`${text}${ended}${gap}${lines.join(eol)}${eol}`);
  }
  const {nth = 0} = edit;
  const block = blocks.filter(({head}) => head.value.trim() === edit.virtual.trim())[nth];
  if (edit.type === 'switch' && edit.on) {
    const off = switchedOff(text).filter(({virtual}) => virtual === edit.virtual.trim())[nth];
    if (!off && block) return ok(text);
    if (!off) return fail(`there is no virtual=${edit.virtual} that is switched off`);
    const heads = lineHeads(text, off.start, off.end).filter((start) => text.startsWith(OFF, start));
    return ok(
      applyEdits(
        text,
        heads.map((start) => ({start, end: start + OFF.length, replacement: ''})),
      ),
    );
  }
  if (!block)
    return fail(`there is no virtual=${edit.virtual} in the file: reload the page, the file has changed`);
  const edits = editBlock(text, block, edit);
  return edits.ok ? ok(applyEdits(text, edits.value)) : edits;
}
