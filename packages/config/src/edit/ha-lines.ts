/** The lines of ha.cf as the parser reads them, with the place of each word; and what of a directive counts. Pure. */
import {cleanText} from '../clean-text.ts';
import {haLine, type Word} from '../ha-line.ts';
import {linesOf, Reporter} from '../reader.ts';

export interface WrittenLine {
  /** In lower case, as the lenient parser takes it. */
  readonly name: string;
  readonly head: Word;
  readonly words: readonly Word[];
  /** All words behind the name, with the blanks between them. */
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

/** What several lines of a directive mean together. */
export const countingOf = (name: string): Counting =>
  wordLists.has(name) ? 'words' : lineLists.has(name) ? 'lines' : 'last';

/** Every line that holds a directive. */
export function writtenLines(text: string): WrittenLine[] {
  const reporter = new Reporter('ha.cf', 'lenient');
  // Of the same length: offsets in one are offsets in the other.
  const clean = cleanText(text, reporter) ?? '';
  return linesOf(clean).flatMap((raw) => {
    const line = haLine(raw, reporter);
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

/** The lines of a directive, under every name it has. */
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
 * The value of a directive of ha.cf as it counts, without comments: of a list of words all of them, of a list of lines one
 * line for each. undefined: it does not stand there.
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
