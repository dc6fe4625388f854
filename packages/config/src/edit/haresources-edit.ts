/** Edits haresources: a resource is added to the group that it belongs to; everything else is unchanged. Pure. */
import {fail, ok, type Result} from '@hactl/base';
import {cleanText} from '../clean-text.ts';
import type {Word} from '../ha-line.ts';
import {linesOf, Reporter} from '../reader.ts';
import {applyEdits, lineEnd} from './text-edit.ts';

/** The words of each group, node first; a trailing backslash continues the line. */
function writtenGroups(text: string): (readonly [Word, ...Word[]])[] {
  const reporter = new Reporter('haresources', 'lenient');
  const groups: [Word, ...Word[]][] = [];
  let words: Word[] = [];
  const finish = (): void => {
    const [node, ...rest] = words;
    if (node) groups.push([node, ...rest]);
    words = [];
  };
  for (const line of linesOf(cleanText(text, reporter) ?? '')) {
    const content = line.text.split('#')[0] ?? '';
    for (const match of content.replace(/\\\s*$/, '').matchAll(/\S+/g)) {
      const start = line.start + match.index;
      words.push({text: match[0], span: reporter.span(start, start + match[0].length)});
    }
    if (!/\\\s*$/.test(content)) finish();
  }
  finish();
  return groups;
}

/**
 * Adds a resource to the group of `node` with the resource `beside`, otherwise to the first group of `node`, otherwise to a new
 * line. A resource already present in a group is not added again.
 */
export function editHaresources(
  text: string,
  node: string,
  word: string,
  beside?: string,
): Result<string, string> {
  if (!/^[^\s#\\]+$/.test(node) || !/^[^\s#\\\0]+$/.test(word)) return fail('a resource is one word');
  const groups = writtenGroups(text);
  if (groups.some(([, ...resources]) => resources.some((resource) => resource.text === word)))
    return ok(text);
  const own = groups.filter(([{text: name}]) => name.toLowerCase() === node.toLowerCase());
  const group =
    own.find(([, ...resources]) => resources.some((resource) => resource.text === beside)) ?? own[0];
  if (!group) {
    if (beside !== undefined)
      return fail(`${node} has no group with ${beside}: reload the page, the file has changed`);
    const eol = lineEnd(text);
    const ended = text === '' || text.endsWith('\n') ? '' : eol;
    return ok(`${text}${ended}${node} ${word}${eol}`);
  }
  const {end} = (group.at(-1) ?? group[0]).span;
  return ok(applyEdits(text, [{start: end, end, replacement: ` ${word}`}]));
}
