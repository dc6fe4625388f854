/** One line of ha.cf: its words, and the validation shared by all directives. Pure. */
import type {Span} from './model.ts';
import type {Line, Reporter} from './reader.ts';
import {parseBoolean, parseTime} from './units.ts';

/** Directives of heartbeat that take a list, separated by blanks or commas. */
const lists: ReadonlySet<string> = new Set(['node', 'bcast', 'udp', 'ping', 'ping6']);
/** Those that take a value: of several the last one counts. */
const singles: ReadonlySet<string> = new Set([
  'keepalive', 'deadtime', 'deadping', 'initdead', 'warntime', 'udpport', 'cluster', 'watchdog', 'logfacility', 'logfile',
  'debugfile', 'debug', 'auto_failback', 'nice_failback', 'realtime', 'rtprio', 'crm', 'pacemaker', 'autojoin',
]); // prettier-ignore

export interface Word {
  readonly text: string;
  readonly span: Span;
}

/** A line with at least one word. */
export interface HaLine {
  readonly name: string;
  readonly head: Word;
  readonly rest: readonly Word[];
  readonly whole: Span;
  /** The first word after the name, or an empty text. */
  readonly value: string;
  /** All words after the name. */
  readonly remainder: string;
  /** Reports an invalid value; at the first word by default. */
  wrong(message: string, help: string, span?: Span): void;
  /** Are there enough words? Reports it if not. */
  wants(form: string, count?: number): boolean;
  time(): number | undefined;
  boolean(): boolean | undefined;
  /** A whole number within bounds. */
  number(least: number, most: number): number | undefined;
}

/** The directive and its values; undefined: nothing but blanks and a comment. `name` replaces a misspelled one. */
export function haWords(
  line: Line,
  reporter: Reporter,
  name?: string,
): {readonly head: Word; readonly rest: readonly Word[]} | undefined {
  const content = line.text.split('#')[0] ?? '';
  const wordsOf = (pattern: RegExp): Word[] =>
    [...content.matchAll(pattern)].map((match) => ({
      text: match[0],
      span: reporter.span(line.start + match.index, line.start + match.index + match[0].length),
    }));
  const [head, ...rest] = wordsOf(/\S+/g);
  if (!head) return undefined;
  const known = name ?? head.text;
  if (!singles.has(known) && !lists.has(known)) return {head, rest};
  // The directive ends at a blank; behind it commas separate as blanks do.
  return {head, rest: wordsOf(/[^\s,]+/g).filter(({span}) => span.start >= head.span.end)};
}

/** The lines that heartbeat reads from one. */
export function haLines(line: Line, reporter: Reporter, name?: string): readonly HaLine[] {
  const words = haWords(line, reporter, name);
  if (!words) return [];
  const {head, rest} = words;
  const known = name ?? head.text;
  const last = rest.at(-1);
  if (!singles.has(known) || rest.length < 2 || !last) return [haLine(known, head, rest, reporter)];
  reporter.add(
    'warning',
    'trailing-text',
    reporter.span(rest[0]?.span.start ?? 0, last.span.end),
    `${known} has one value: heartbeat takes the last of several, and so does hactl`,
    `${known} ${last.text}`,
  );
  return rest.map((value) => haLine(known, head, [value], reporter));
}

function haLine(known: string, head: Word, rest: readonly Word[], reporter: Reporter): HaLine {
  const whole = reporter.span(head.span.start, (rest.at(-1) ?? head).span.end);
  const [first] = rest;
  const taken: HaLine = {
    name: known,
    head,
    rest,
    whole,
    value: first?.text ?? '',
    remainder: rest.map((word) => word.text).join(' '),
    wrong: (message, help, span = first?.span ?? whole) => reporter.error('bad-value', span, message, help),
    wants: (form, count = 1) => {
      if (rest.length >= count) return true;
      reporter.error('missing-value', whole, `${known} needs more words`, `the form is: ${known} ${form}`);
      return false;
    },
    time: () => {
      if (!taken.wants('TIME')) return undefined;
      const time = parseTime(taken.value);
      if (time === undefined)
        taken.wrong(`"${taken.value}" is not a time`, 'a number of seconds, or with a unit: 2, 2s, 200ms');
      return time;
    },
    boolean: () => {
      if (!taken.wants('on|off')) return undefined;
      const value = parseBoolean(taken.value);
      if (value === undefined)
        taken.wrong(`"${taken.value}" is neither on nor off`, `write ${known} on or ${known} off`);
      return value;
    },
    number: (least, most) => {
      if (!taken.wants('NUMBER')) return undefined;
      const value = Number(taken.value);
      if (Number.isInteger(value) && value >= least && value <= most) return value;
      taken.wrong(`"${taken.value}" is out of bounds`, `a whole number from ${least} to ${most}`);
      return undefined;
    },
  };
  return taken;
}
