/** Piranha's lvs.cf as a tree: `key = value` lines, and blocks `virtual NAME {`, `server NAME {`, `failover NAME {`. Pure. */
import type {Span} from '../model.ts';
import {linesOf, type Reporter} from '../reader.ts';

export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly span: Span;
  readonly keySpan: Span;
  readonly valueSpan: Span;
}

export interface LvsBlock {
  readonly kind: string;
  readonly name: string;
  readonly span: Span;
  readonly entries: Entry[];
  readonly blocks: LvsBlock[];
}

/** The text before a # outside quotes. */
function withoutComment(text: string): string {
  let inside = false;
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === '"' && text[index - 1] !== '\\') inside = !inside;
    if (text[index] === '#' && !inside) return text.slice(0, index);
  }
  return text;
}

const parentKinds: Readonly<Record<string, string>> = {
  virtual: '',
  failover: '',
  server: 'virtual or failover',
};

/** The whole file as one unnamed block. */
export function splitLvsCf(text: string, reporter: Reporter): LvsBlock {
  const whole: LvsBlock = {kind: '', name: '', span: reporter.span(0, 1), entries: [], blocks: []};
  const open = [whole];
  for (const line of linesOf(text)) {
    const content = withoutComment(line.text).trimEnd();
    if (content.trim() === '') continue;
    const from = line.start + (content.length - content.trimStart().length);
    const span = reporter.span(from, line.start + content.length);
    const parent = open.at(-1) ?? whole;
    const head = /^\s*([a-z_]+)\s+(.*?)\s*\{$/.exec(content);
    if (head) {
      const [, kind = '', name = ''] = head;
      const block: LvsBlock = {kind, name: name.replace(/^"(.*)"$/, '$1'), span, entries: [], blocks: []};
      const parents = parentKinds[kind];
      if (parents === undefined)
        reporter.error(
          'unknown-directive',
          span,
          `unknown block ${kind}`,
          'blocks are virtual NAME {, server NAME { and failover NAME {',
        );
      else if ((kind === 'server') !== (parent.kind === 'virtual' || parent.kind === 'failover'))
        reporter.error(
          'unknown-directive',
          span,
          `${kind} is not allowed here`,
          parents === '' ? `close the block above with } first` : `move ${kind} into a ${parents} block`,
        );
      else parent.blocks.push(block);
      open.push(block);
      continue;
    }
    if (content.trim() === '}') {
      if (open.length === 1) reporter.error('unclosed-block', span, 'no open block to close', 'remove the }');
      else open.pop();
      continue;
    }
    const match = /^(\s*)([\w-]+)(\s*=\s*)(.*)$/.exec(content);
    if (!match) {
      reporter.error(
        'unknown-directive',
        span,
        `cannot read "${content.trim().slice(0, 60)}"`,
        'every line is KEY = VALUE, NAME { or }; comments start with #',
      );
      continue;
    }
    const [, blanks = '', key = '', equals = '', raw = ''] = match;
    const keyAt = line.start + blanks.length;
    const valueAt = keyAt + key.length + equals.length;
    const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(raw);
    if (raw.startsWith('"') && !quoted)
      reporter.error(
        'missing-quotes',
        reporter.span(valueAt, valueAt + raw.length),
        `the quotes of ${key} are not closed`,
        `write ${key} = "…" on one line, and \\" for a quote inside`,
      );
    parent.entries.push({
      key,
      value: quoted ? (quoted[1] ?? '').replaceAll('\\"', '"') : raw.replace(/^"/, ''),
      span,
      keySpan: reporter.span(keyAt, keyAt + key.length),
      valueSpan: reporter.span(valueAt, Math.max(valueAt + 1, valueAt + raw.length)),
    });
  }
  for (const block of open.slice(1).toReversed())
    reporter.error(
      'unclosed-block',
      block.span,
      `the block ${block.kind} ${block.name} is not closed`,
      'add a line with } after its last line',
    );
  return whole;
}
