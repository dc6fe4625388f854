/** keepalived's lines, with continuation lines joined. Pure. */
import {eachLine} from '../reader.ts';
import {withoutComment} from './keepalived-words.ts';

export interface Joined {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly joined: boolean;
  /** A comment in a definition at which keepalived ends the definition. */
  readonly cut?: {readonly start: number; readonly end: number};
}

const isDefinition = /^\s*(?:@\S+\s+)?\$\w+=/;

/**
 * Lines without comments; lines that end in a backslash are joined to the next. In a definition the pieces remain separate
 * lines; a comment line is skipped there, an empty line ends the definition.
 */
export function* joinedLines(text: string): Generator<Joined> {
  let pending: Joined | undefined;
  for (const line of eachLine(text)) {
    const content = withoutComment(line.text);
    if (pending && content.trim() === '' && line.text.trim() !== '') {
      if (isDefinition.test(pending.text) && !/\\[ \t]*$/.test(line.text))
        pending = {...pending, cut: {start: line.start, end: line.start + line.text.length}};
      continue;
    }
    const end = line.start + line.text.length;
    if (!pending && !content.includes('\\')) {
      yield {text: content, start: line.start, end, joined: false};
      continue;
    }
    const isContinued = /\\[ \t]*$/.test(content);
    const piece = content.replace(/\\[ \t]*$/, '');
    const separator: string = pending && isDefinition.test(pending.text) ? '\n' : ' ';
    pending = pending
      ? {...pending, text: `${pending.text}${separator}${piece.trim()}`, end, joined: true}
      : {text: piece, start: line.start, end, joined: false};
    if (isContinued) continue;
    yield pending;
    pending = undefined;
  }
  if (pending) yield pending;
}
