/** vrrp_track_process: the required number of processes with a name or a command line. Pure. */
import {
  argumentOf,
  argumentsOf,
  blockOf,
  ignored,
  lastReadable,
  nameOf,
  numberOf,
  quoteStatement,
  timeOf,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {INTERVAL, WEIGHT, type Definition} from './keepalived-tools.ts';
import {shellWord} from './words.ts';

const COUNT_MOST = 65_535;
const DELAY_MOST = 3_600_000;
/** Length of a process name in the kernel. */
const NAME_MOST = 15;

export function parseProcess(statement: Statement, tools: Tools): Definition | undefined {
  const {notes} = tools;
  const block = blockOf(statement.block ?? [], tools);
  const process = block.first('process');
  const weight = block.last('weight');
  const [program = '', ...parameters] = process ? argumentsOf(process) : [];
  const {least, most} = parseQuorum(block, tools);
  const [gone, back] = parseDelays(block, tools);
  const condition = conditionOf(block, program, parameters, tools);
  block.finish({}, 'hactl has no such setting');
  if (!process || program === '' || /[\r\n\0]/.test(argumentsOf(process).join(''))) {
    notes.lost(statement.span, quoteStatement(statement), 'it has no usable process name');
    return undefined;
  }
  if (condition.note === undefined)
    notes.exact(process.span, quoteStatement(process), 'the written script reads /proc');
  else notes.changed(process.span, quoteStatement(process), condition.note);
  if (weight) notes.approximated(weight.span, quoteStatement(weight), WEIGHT);
  const bounds = [
    ...(least > 0 ? [`[ $count -ge ${least} ]`] : []),
    ...(most === Infinity ? [] : [`[ $count -le ${most} ]`]),
  ].join(' && ');
  return {
    statement,
    every: INTERVAL,
    command: `{ count=0; ${condition.loop}; ${bounds}; }`,
    rise: back,
    fall: gone,
    isWeighed: weight !== undefined,
    isReversed: argumentOf(weight, 2) === 'reverse',
  };
}

interface Quorum {
  readonly least: number;
  /** Infinity: no upper bound. */
  readonly most: number;
}

/** Reads both bounds in file order, because keepalived checks each against the other; `quorum_max 0`: no such process. */
function parseQuorum(block: Block, tools: Tools): Quorum {
  const lines = new Set(block.all('quorum', 'quorum_max'));
  return block.statements
    .filter((line) => lines.has(line))
    .reduce<Quorum>((before, line) => withQuorum(before, line, tools), {least: 1, most: Infinity});
}

function withQuorum(before: Quorum, line: Statement, tools: Tools): Quorum {
  const {least, most} = before;
  const isMost = nameOf(line) === 'quorum_max';
  const value = numberOf(line, isMost ? 0 : 1, COUNT_MOST, tools);
  const contradicts =
    value !== undefined && (isMost ? value < least && (value > 0 || least > 1) : value > most);
  if (value === undefined || contradicts) {
    tools.notes.omitted(line.span, quoteStatement(line), 'keepalived ignores it too');
    if (contradicts)
      ignored(
        line,
        'bad-value',
        `${quoteStatement(line)}: quorum would exceed quorum_max, keepalived ignores the line`,
        'the import does too; write a quorum_max that is at least quorum',
        tools,
      );
    return before;
  }
  tools.notes.exact(line.span, quoteStatement(line), 'the written script counts the processes');
  if (!isMost) return {least: value, most};
  return {least: value === 0 ? 0 : Math.max(1, least), most: value};
}

/** Consecutive checks before a process counts as gone, and as back. */
function parseDelays(block: Block, tools: Tools): readonly [gone: number, back: number] {
  const delays = ['terminate_delay', 'fork_delay'].map((name) => {
    const found = lastReadable(
      block,
      [name, 'delay'],
      (line) => {
        const time = timeOf(line, tools, 1);
        return time !== undefined && time <= DELAY_MOST ? time : undefined;
      },
      tools,
    );
    if (found)
      tools.notes.approximated(
        found.line.span,
        quoteStatement(found.line),
        'counted by the written script, which checks once a second',
      );
    return Math.max(1, Math.ceil((found?.value ?? 0) / INTERVAL));
  });
  const [gone = 1, back = 1] = delays;
  return [gone, back];
}

/** The shell loop that counts processes, by name or by command line (tr turns NUL into blanks). */
function conditionOf(
  block: Block,
  program: string,
  parameters: readonly string[],
  tools: Tools,
): {readonly loop: string; readonly note?: string} {
  const [full, match] = [block.last('full_command'), block.last('param_match')];
  for (const line of [full, match])
    if (line)
      tools.notes.exact(line.span, quoteStatement(line), 'the written script compares the command line');
  const written = match ? argumentOf(match) || 'exact' : parameters.length > 0 ? 'exact' : 'any';
  if (full || match || parameters.length > 0) {
    const start = shellWord([program, ...parameters].join(' '));
    const patterns: Readonly<Record<string, string>> = {
      exact: `${start}' '`,
      // The parameters must be the first ones of the process; with initial the last one may be a prefix.
      partial: `${start}' '*`,
      initial: `${start}*`,
    };
    const pattern = patterns[written] ?? `${shellWord(program)}' '*`;
    return {
      loop: `for line in /proc/[0-9]*/cmdline; do case $(tr '\\0' ' ' 2>/dev/null <"$line") in ${pattern}) count=$((count + 1)) ;; esac; done`,
    };
  }
  const name = (program.split('/').at(-1) ?? program).slice(0, NAME_MOST);
  return {
    loop: `for comm in /proc/[0-9]*/comm; do read -r name 2>/dev/null <"$comm" && [ "$name" = ${shellWord(name)} ] && count=$((count + 1)); done`,
    ...(name === program
      ? {}
      : {
          note: `keepalived compares the whole text with a name of at most ${NAME_MOST} characters and never matches it; the import looks for ${name}`,
        }),
  };
}
