/** Converts tracked scripts, processes and interfaces to hactl_track_script and hactl_track_interface. Pure. */
import type {Millis} from '@hactl/base';
import type {ImportedPair, ImportedScript} from './imported.ts';
import {
  argumentOf,
  argumentsOf,
  blockOf,
  commandOf,
  ignored,
  nameOf,
  numberOf,
  quoteStatement,
  timeOf,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {parseProcess} from './keepalived-process.ts';
import {INTERVAL, WEIGHT, type Definition} from './keepalived-tools.ts';
import {fileWord, freshName, isDevice} from './words.ts';

/** What an instance or a sync group tracks. */
export interface Tracked {
  readonly scripts: readonly Statement[];
  readonly processes: readonly Statement[];
  readonly interfaces: readonly string[];
  /** The instance or group: keepalived knows only definitions above it. */
  readonly owner: Statement;
  /** Weighted items are not tracked: the instance is in a sync group, or owns its addresses (priority 255). */
  readonly ignoresWeights?: boolean;
}

const INTERVAL_MOST = 4_294;

export function parseTracked(owner: Statement, block: Block, tools: Tools): Tracked {
  const {notes} = tools;
  const lines = (name: string): Statement[] => {
    const found = block.all(name);
    for (const statement of found) notes.exact(statement.span, quoteStatement(statement), 'see its lines');
    return found.flatMap((statement) => statement.block ?? []).filter((line) => isTracking(line, tools));
  };
  const interfaces = lines('track_interface').flatMap((line) => {
    const device = nameOf(line);
    if (!isDevice(device)) {
      notes.omitted(line.span, quoteStatement(line), 'not an interface');
      return [];
    }
    const isWeighed = argumentsOf(line).includes('weight');
    if (argumentsOf(line)[2] === 'reverse') {
      notes.lost(
        line.span,
        quoteStatement(line),
        'an interface cannot be tracked in reverse (good while down)',
      );
      return [];
    }
    notes[isWeighed ? 'approximated' : 'exact'](
      line.span,
      quoteStatement(line),
      isWeighed ? `ha.cf: hactl_track_interface; ${WEIGHT}` : 'ha.cf: hactl_track_interface',
    );
    return [device];
  });
  return {scripts: lines('track_script'), processes: lines('track_process'), interfaces, owner};
}

/** keepalived does not track a line with an option other than weight, or with weight without a value. */
function isTracking(line: Statement, tools: Tools): boolean {
  const [option, value] = argumentsOf(line);
  if (option === undefined || (option === 'weight' && value !== undefined)) return true;
  const reason = `"${option}" after ${nameOf(line)}: keepalived does not track it`;
  ignored(line, 'bad-value', reason, 'the import does not either; write one name per line', tools);
  tools.notes.lost(line.span, quoteStatement(line), reason);
  return false;
}

interface Reference {
  readonly line: Statement;
  readonly owner: Statement;
  readonly ignoresWeights: boolean;
}

/** Does the line have a non-zero weight, or otherwise its definition? */
function weighs(line: Statement, {isWeighed}: Definition): boolean {
  const [word, weight] = argumentsOf(line);
  return word === 'weight' ? Number.parseInt(weight ?? '', 10) !== 0 : isWeighed;
}

/** Converts the tracked definitions to lines of ha.cf, with a script if a line is not enough. */
export function convertTracked(
  definitions: {readonly scripts: readonly Statement[]; readonly processes: readonly Statement[]},
  tracked: readonly Tracked[],
  /** Position of each block in the file, with includes expanded. */
  order: ReadonlyMap<Statement, number>,
  scripts: ImportedScript[],
  tools: Tools,
): NonNullable<ImportedPair['trackScripts']> {
  const lines: {every: Millis; command: string}[] = [];
  const convertAll = (
    all: readonly Statement[],
    references: readonly Reference[],
    read: (statement: Statement, tools: Tools) => Definition | undefined,
  ): void => {
    const isKnown = (name: string, {owner}: Reference): boolean =>
      all.some(
        (statement) =>
          argumentOf(statement) === name && (order.get(statement) ?? 0) < (order.get(owner) ?? Infinity),
      );
    const used = references.filter((reference) => isKnown(nameOf(reference.line), reference));
    const converted = new Set<string>();
    for (const statement of all) {
      const name = argumentOf(statement);
      const definition = read(statement, tools);
      const matching = used.filter(({line}) => nameOf(line) === name);
      const ignores = (reference: Reference): boolean =>
        reference.ignoresWeights && definition !== undefined && weighs(reference.line, definition);
      const statements = matching.filter((reference) => !ignores(reference)).map(({line}) => line);
      if (!converted.has(name))
        for (const {line} of matching.filter(ignores))
          tools.notes.omitted(line.span, quoteStatement(line), WEIGHTLESS);
      if (definition && converted.has(name)) noteDouble(statement, tools);
      else if (definition && statements.length > 0)
        lines.push(convertTrackedItem(name, definition, statements, scripts, tools));
      else if (definition)
        tools.notes.omitted(statement.span, quoteStatement(statement), 'no instance tracks it');
      if (definition) converted.add(name);
    }
    for (const reference of references) if (!used.includes(reference)) noteUnknown(reference, all, tools);
  };
  const named = (pick: 'scripts' | 'processes'): Reference[] =>
    tracked.flatMap(({[pick]: lines, owner, ignoresWeights = false}) =>
      lines.map((line) => ({line, owner, ignoresWeights})),
    );
  convertAll(definitions.scripts, named('scripts'), parseScript);
  convertAll(definitions.processes, named('processes'), parseProcess);
  return lines;
}

/** Does a failure count as good, according to the tracking line or the definition? */
function isReversedBy(line: Statement, {isReversed}: Definition): boolean {
  const word = argumentsOf(line)[2];
  return word === 'reverse' || (word !== 'noreverse' && isReversed);
}

/** Converts a tracked definition, with a note for each line about it. */
function convertTrackedItem(
  name: string,
  definition: Definition,
  statements: readonly Statement[],
  scripts: ImportedScript[],
  {notes}: Tools,
): {every: Millis; command: string} {
  const [first = definition.statement] = statements;
  const isReversed = isReversedBy(first, definition);
  const isWeighed = definition.isWeighed || statements.some((line) => argumentsOf(line).includes('weight'));
  const how = `ha.cf: hactl_track_script; ${isReversed ? 'reversed: the written script inverts the result; ' : ''}${isWeighed ? WEIGHT : 'a director whose script fails hands its groups over to the peer'}`;
  for (const line of [definition.statement, ...statements])
    if (line !== definition.statement && isReversedBy(line, definition) !== isReversed)
      notes.lost(
        line.span,
        quoteStatement(line),
        'tracked both normally and reversed: the first line counts',
      );
    else notes[isWeighed ? 'approximated' : 'exact'](line.span, quoteStatement(line), how);
  return lineOf(name, {...definition, isReversed}, scripts);
}

const WEIGHTLESS =
  'in a sync group without sync_group_tracking_weight, and with priority 255, keepalived does not track weighted items';

function noteDouble(statement: Statement, tools: Tools): void {
  const reason = `${quoteStatement(statement)}: the name is defined above, keepalived tracks that definition`;
  ignored(statement, 'duplicate-resource', reason, 'the import does too; use another name', tools);
  tools.notes.lost(statement.span, quoteStatement(statement), reason);
}

function noteUnknown({line}: Reference, all: readonly Statement[], tools: Tools): void {
  const isBelow = all.some((statement) => argumentOf(statement) === nameOf(line));
  const reason = isBelow
    ? `${nameOf(line)} is defined below: keepalived does not know it yet and does not track it`
    : `${nameOf(line)} is not defined: keepalived does not track it`;
  const help = isBelow ? 'move its definition above this line' : 'define it, or remove the line';
  ignored(line, 'unresolved-name', reason, `the import does not either; ${help}`, tools);
  tools.notes.omitted(line.span, quoteStatement(line), reason);
}

function parseScript(statement: Statement, tools: Tools): Definition | undefined {
  const {notes} = tools;
  const block = blockOf(statement.block ?? [], tools);
  const [script, intervalLine, timeoutLine, weight, rise, fall, user, init] = [
    'script', 'interval', 'timeout', 'weight', 'rise', 'fall', 'user', 'init_fail',
  ].map((name) => block.last(name)); // prettier-ignore
  block.finish({}, 'hactl has no such setting');
  const command = script && commandOf(script, tools);
  if (!script || command === undefined) {
    notes.lost(
      statement.span,
      quoteStatement(statement),
      'it has no usable script: keepalived ignores it too',
    );
    return undefined;
  }
  // Whole seconds; 0 means 1.
  const every = Math.max(1, numberOf(intervalLine, 0, INTERVAL_MOST, tools) ?? 1) * INTERVAL;
  const limit = timeOf(timeoutLine, tools);
  const how = 'ha.cf: hactl_track_script';
  for (const line of [script, intervalLine]) if (line) notes.exact(line.span, quoteStatement(line), how);
  for (const line of [rise, fall])
    if (line) notes.exact(line.span, quoteStatement(line), 'counted by the written script');
  if (timeoutLine)
    notes[limit === every ? 'exact' : 'approximated'](
      timeoutLine.span,
      quoteStatement(timeoutLine),
      `a script fails if it does not end within its interval (${every} ms)`,
    );
  if (weight) notes.approximated(weight.span, quoteStatement(weight), WEIGHT);
  if (user) notes.omitted(user.span, quoteStatement(user), 'scripts run as the user of hactld');
  if (init)
    notes.omitted(init.span, quoteStatement(init), 'a script never counts as failed before its first run');
  return {
    statement,
    every,
    command,
    rise: numberOf(rise, 1, 1_000_000, tools) ?? 1,
    fall: numberOf(fall, 1, 1_000_000, tools) ?? 1,
    isWeighed: weight !== undefined && argumentOf(weight) !== '0',
    isReversed: argumentOf(weight, 2) === 'reverse',
  };
}

/** The line of ha.cf. ha.cf splits at blanks and has no quotes: anything but plain words becomes a script. */
function lineOf(
  name: string,
  definition: Definition,
  scripts: ImportedScript[],
): {every: Millis; command: string} {
  const {every, rise, fall, isReversed} = definition;
  const command = isReversed ? `! ${definition.command}` : definition.command;
  if (rise === 1 && fall === 1 && /^\/[\w./=,@%+-]+( [\w./=:,@%+-]+)*$/.test(command))
    return {every, command};
  const file = freshName(scripts, `track-${fileWord(name)}`);
  const counted = [
    `state="/run/hactl-$(basename "$0")"`,
    'read -r is_good count 2>/dev/null <"$state" || { is_good=1; count=0; }',
    `if ${command}; then now=1; needed=${rise}; else now=0; needed=${fall}; fi`,
    'if [ "$now" = "$is_good" ]; then count=0; else count=$((count + 1)); fi',
    '[ "$count" -ge "$needed" ] && { is_good=$now; count=0; }',
    'echo "$is_good $count" >"$state"',
    '[ "$is_good" = 1 ]',
  ];
  scripts.push({
    name: file,
    text: [
      '#!/bin/sh',
      `# Written by hactl import: ${fileWord(name)} of keepalived.conf. Exit status 0 means good.`,
      ...(rise === 1 && fall === 1 ? [command] : counted),
      '',
    ].join('\n'),
  });
  return {every, command: file};
}

/** The tracked interfaces in order, without duplicates. */
export const trackedInterfaces = (tracked: readonly Tracked[]): string[] => [
  ...new Set(tracked.flatMap(({interfaces}) => interfaces)),
];
