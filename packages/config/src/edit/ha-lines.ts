/** The lines of ha.cf as the parser reads them, with each word's position, and a directive's effective value. Pure. */
import {cleanText} from '../clean-text.ts';
import {haWords, type Word} from '../ha-line.ts';
import {linesOf, Reporter} from '../reader.ts';

export interface WrittenLine {
  /** In lower case, as the lenient parser reads it. */
  readonly name: string;
  readonly head: Word;
  readonly words: readonly Word[];
  /** Everything after the name, including blanks. */
  readonly value: string;
  /** Offset at which the value starts, or would start. */
  readonly valueStart: number;
}

/** `words`: the words of all lines count together. `lines`: each line counts. `last`: the last line counts. */
export type Counting = 'words' | 'lines' | 'last';

const wordLists: ReadonlySet<string> = new Set([
  'node', 'bcast', 'udp', 'ping', 'ping6', 'hactl_peer', 'hactl_track_interface',
]); // prettier-ignore
const lineLists: ReadonlySet<string> = new Set([
  'ucast', 'ucast6', 'mcast', 'mcast6', 'ping_group', 'respawn', 'failfast', 'apiauth', 'stonith', 'stonith_host',
  'hactl_track_script', 'hactl_resource', 'hactl_ipvs', 'hactl_webhook', 'hactl_alert_command',
]); // prettier-ignore

/** How repeated lines of a directive combine. */
export const countingOf = (name: string): Counting =>
  wordLists.has(name) ? 'words' : lineLists.has(name) ? 'lines' : 'last';

/** All lines with a directive. */
export function writtenLines(text: string): WrittenLine[] {
  const reporter = new Reporter('ha.cf', 'lenient');
  // Same length, so offsets are valid in both.
  const clean = cleanText(text, reporter) ?? '';
  return linesOf(clean).flatMap((raw) => {
    const line = haWords(raw, reporter);
    if (!line) return [];
    const {head, rest} = line;
    const valueStart = rest[0]?.span.start ?? head.span.end;
    return [
      {
        name: head.text.toLowerCase(),
        head,
        words: rest,
        value: clean.slice(valueStart, rest.at(-1)?.span.end ?? valueStart),
        valueStart,
      },
    ];
  });
}

/** nice_failback is the old, opposite name: the last line of either counts. */
const opposite = (value: string): string =>
  /^(?:on|yes|true|y|1)$/i.test(value) ? 'off' : /^(?:off|no|false|n|0)$/i.test(value) ? 'on' : value;

/** The lines of a directive, under all its names. */
export const linesNamed = (lines: readonly WrittenLine[], name: string): WrittenLine[] =>
  lines.filter((line) => line.name === name || (name === 'auto_failback' && line.name === 'nice_failback'));

/** The words of several lines as one list; a node counts once. */
export function listedWords(lines: readonly WrittenLine[]): Word[] {
  const words = lines.flatMap((line) => line.words);
  return words.filter(
    ({text}, index) => words.findIndex((word) => word.text.toLowerCase() === text.toLowerCase()) === index,
  );
}

/**
 * The effective value of a directive of ha.cf, without comments: all words of a list of words, one line for each of a list of
 * lines. undefined: not in the file.
 */
export function writtenHa(text: string, name: string): string | undefined {
  const lines = linesNamed(writtenLines(text), name);
  const last = lines.at(-1);
  if (!last) return undefined;
  switch (countingOf(name)) {
    case 'words':
      return listedWords(lines)
        .map((word) => word.text)
        .join(' ');
    case 'lines':
      return lines.map(({value}) => value).join('\n');
    case 'last':
      return last.name === name ? last.value : opposite(last.value);
  }
}
