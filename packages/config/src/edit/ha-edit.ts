/** Edits ha.cf and haresources line by line; everything else is unchanged. Pure. */
import {fail, ok, type Result} from '@hactl/base';
import {applyEdits, insertAfterLine, lineEnd, wholeLine} from './text-edit.ts';

interface Written {
  readonly start: number;
  readonly name: string;
  readonly valueStart: number;
  readonly value: string;
}

/** The lines that hold a directive, with the place of what stands behind its name. */
function directives(text: string): Written[] {
  return [...text.matchAll(/^([ \t]*)([^\s#]+)([ \t]*)([^#\r\n]*)/gm)].map((match) => {
    const [, blanks = '', name = '', gap = '', value = ''] = match;
    const start = match.index + blanks.length;
    return {start, name, valueStart: start + name.length + gap.length, value: value.trimEnd()};
  });
}

/**
 * Sets a directive that stands once (`keepalive 1`): changed where it counts (the last line), added at the end, or removed
 * with `undefined`.
 */
export function editHaCf(text: string, name: string, value: string | undefined): Result<string, string> {
  if (!/^[a-z_0-9]+$/i.test(name) || (value !== undefined && /[\r\n\0#]/.test(value)))
    return fail('a directive is one word, its value one line without #');
  const existing = directives(text).filter((line) => line.name === name);
  if (value === undefined)
    return ok(
      applyEdits(
        text,
        existing.map(({start}) => ({...wholeLine(text, start), replacement: ''})),
      ),
    );
  const last = existing.at(-1);
  if (last) {
    if (last.value === value) return ok(text);
    const gap = last.valueStart === last.start + name.length ? ' ' : '';
    return ok(
      applyEdits(text, [
        {start: last.valueStart, end: last.valueStart + last.value.length, replacement: gap + value},
      ]),
    );
  }
  if (text === '') return ok(`${name} ${value}\n`);
  return ok(
    applyEdits(text, [
      insertAfterLine(text, text.length - (text.endsWith('\n') ? 1 : 0), `${name} ${value}`),
    ]),
  );
}

/** The value of a directive of ha.cf as written, without its comment; undefined: it does not stand there. */
export const writtenHa = (text: string, name: string): string | undefined =>
  directives(text).findLast((line) => line.name === name)?.value;

/** Adds a line to haresources, or a word to the line that begins with `node`. */
export function editHaresources(text: string, node: string, word: string): Result<string, string> {
  if (/[\s#]/.test(node) || /[\r\n\0#]/.test(word)) return fail('a resource is one word');
  const line = directives(text).find(({name}) => name === node);
  if (!line) {
    const eol = lineEnd(text);
    const ended = text === '' || text.endsWith('\n') ? '' : eol;
    return ok(`${text}${ended}${node} ${word}${eol}`);
  }
  if (line.value.split(/\s+/).includes(word)) return ok(text);
  const end = line.valueStart + line.value.length;
  return ok(applyEdits(text, [{start: end, end, replacement: ` ${word}`}]));
}
