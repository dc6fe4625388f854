/** Election settings of a vrrp_instance: state, priority, preemption, advert interval. Pure. */
import type {Millis} from '@hactl/base';
import {
  argumentOf,
  flagOf,
  ignored,
  nameOf,
  numberOf,
  quoteStatement,
  lastReadable,
  timeOf,
  type Block,
} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import type {VrrpTools} from './keepalived-tools.ts';

export interface Election {
  readonly state: 'MASTER' | 'BACKUP';
  readonly stateLine?: Statement;
  readonly priority: number;
  readonly priorityLine?: Statement;
  /** nopreempt, if keepalived does not clear it. */
  readonly isHeld: boolean;
  readonly delay?: Millis;
  readonly advert: Millis;
  readonly advertLine?: Statement;
  /** Missed adverts until failover. */
  readonly missed: number;
}

/** Adverts in Master_Down_Interval: three, plus the skew. */
const MISSED = 3;
/** Default priorities: 100 with state BACKUP, 255 (address owner) with MASTER. */
const PRIORITY = 100;
export const OWNER = 255;
/** keepalived's advert_int: default and bounds. */
const ADVERT: Millis = 1_000;
const ADVERT_LEAST: Millis = 10;
const ADVERT_MOST: Millis = 255_000;
const DELAY_MOST: Millis = 1_000_000;

export function parseElection(block: Block, isThird: boolean, tools: VrrpTools): Election {
  const written = parseState(block, tools);
  const priorityLine = block.last('priority');
  const priority = priorityLine
    ? (numberOf(priorityLine, 1, OWNER, tools, true) ?? PRIORITY)
    : written.state === 'MASTER'
      ? OWNER
      : PRIORITY;
  const isStrict = parseStrict(block, tools);
  const first = firstState(block, written, priority, isStrict);
  const advertLine = lastReadable(block, ['advert_int'], (line) => advertOf(line, isThird, tools), tools);
  const missed = lastReadable(block, ['down_timer_adverts'], (line) => numberOf(line, 1, 100, tools), tools);
  if (missed && isStrict)
    tools.notes.omitted(
      missed.line.span,
      quoteStatement(missed.line),
      'keepalived resets it in strict mode too',
    );
  else if (missed) tools.notes.exact(missed.line.span, quoteStatement(missed.line), 'ha.cf: deadtime');
  return {
    // The intention of the file, not keepalived's first state.
    state: written.stateLine ? written.state : first,
    ...(written.stateLine ? {stateLine: written.stateLine} : {}),
    priority,
    ...(priorityLine ? {priorityLine} : {}),
    ...parsePreemption(block, {state: first, priority, isStrict}, tools),
    advert: advertLine?.value ?? ADVERT,
    ...(advertLine ? {advertLine: advertLine.line} : {}),
    missed: missed && !isStrict ? missed.value : MISSED,
  };
}

function parseStrict(block: Block, tools: VrrpTools): boolean {
  const line = block.last('strict_mode');
  if (line)
    tools.notes.omitted(line.span, quoteStatement(line), 'hactl uses its own protocol instead of VRRP');
  return flagOf(line, tools) ?? tools.defaults.isStrict;
}

/** keepalived's first state: in strict mode, and with AH, only the address owner (priority 255) starts as MASTER. */
function firstState(
  block: Block,
  {state, stateLine}: Pick<Election, 'state' | 'stateLine'>,
  priority: number,
  isStrict: boolean,
): Election['state'] {
  if (priority === OWNER) return isStrict || !stateLine ? 'MASTER' : state;
  const authentication = block.statements.findLast((line) => nameOf(line) === 'authentication')?.block ?? [];
  const type = authentication.findLast((line) => nameOf(line) === 'auth_type');
  return isStrict || argumentOf(type) === 'AH' ? 'BACKUP' : state;
}

/** VRRP 2: whole seconds; VRRP 3: steps of 10 ms up to 40.95 s. undefined: keepalived ignores the line. */
function advertOf(line: Statement, isThird: boolean, tools: VrrpTools): Millis | undefined {
  const written = timeOf(line, tools);
  if (written === undefined) return undefined;
  const step = isThird ? 10 : 1_000;
  const isKept = written >= ADVERT_LEAST && written <= ADVERT_MOST;
  const advert = isKept
    ? Math.min(Math.max(step, Math.round(written / step) * step), isThird ? 40_950 : ADVERT_MOST)
    : undefined;
  if (advert !== written)
    ignored(
      line.words[1] ?? line,
      'bad-value',
      advert === undefined
        ? `advert_int ${argumentOf(line)}: keepalived ignores the line`
        : `advert_int ${argumentOf(line)}: keepalived uses ${advert / 1_000} s`,
      isKept
        ? `the import does too; VRRP ${isThird ? 3 : 2} has steps of ${step} ms`
        : 'the import does too; write a value from 0.01 to 255 seconds',
      tools,
    );
  return advert;
}

/** Case-sensitive: keepalived reads any other word as BACKUP. BACKUP below MASTER has no effect. */
function parseState(block: Block, tools: VrrpTools): Pick<Election, 'state' | 'stateLine'> {
  const lines = block.all('state');
  for (const line of lines) {
    const word = argumentOf(line);
    if (word === 'MASTER' || word === 'BACKUP') continue;
    const meant =
      word.toUpperCase() === 'MASTER'
        ? ', or MASTER if intended (this changes the role after the switch)'
        : '';
    ignored(
      line.words[1] ?? line,
      'bad-value',
      `state is MASTER or BACKUP, not "${word}": keepalived reads it as BACKUP`,
      `the import does too; write state BACKUP${meant}`,
      tools,
    );
  }
  const counting = lines.filter(
    (line, index) =>
      argumentOf(line) !== 'BACKUP' || !lines.slice(0, index).some((line) => argumentOf(line) === 'MASTER'),
  );
  const stateLine = counting.at(-1);
  for (const line of lines)
    if (line !== stateLine)
      tools.notes.omitted(line.span, quoteStatement(line), 'overridden by another state line');
  return {
    state: argumentOf(stateLine) === 'MASTER' ? 'MASTER' : 'BACKUP',
    ...(stateLine ? {stateLine} : {}),
  };
}

/** nopreempt and preempt_delay apply with the initial state BACKUP only, and not both together. */
function parsePreemption(
  block: Block,
  {state, priority, isStrict}: Pick<Election, 'state' | 'priority'> & {readonly isStrict: boolean},
  tools: VrrpTools,
): Pick<Election, 'isHeld' | 'delay'> {
  const {notes} = tools;
  const [holding, delayLine] = [block.last('nopreempt', 'preempt'), block.last('preempt_delay')];
  if (holding && nameOf(holding) === 'preempt')
    notes.exact(holding.span, quoteStatement(holding), 'ha.cf: auto_failback on');
  const hold = holding && nameOf(holding) === 'nopreempt' ? holding : undefined;
  const written = timeOf(delayLine, tools);
  const delay = written !== undefined && written <= DELAY_MOST ? written : undefined;
  const cleared =
    state === 'MASTER' ? 'with state MASTER' : priority === OWNER ? 'with priority 255' : undefined;
  const isHeld = hold !== undefined && cleared === undefined;
  if (hold && cleared !== undefined)
    notes.omitted(
      hold.span,
      quoteStatement(hold),
      `${cleared} keepalived clears it: the director takes the addresses back at once, as today`,
    );
  else if (hold) notes.exact(hold.span, quoteStatement(hold), 'ha.cf: auto_failback off');
  if (!delayLine) return {isHeld};
  const reset =
    delay === undefined
      ? 'more than 1000 seconds: keepalived ignores it too'
      : state === 'MASTER'
        ? 'with state MASTER keepalived clears it: the director takes the addresses back at once, as today'
        : isStrict
          ? 'in strict mode keepalived resets it: the director takes the addresses back at once, as today'
          : isHeld
            ? 'with nopreempt keepalived resets it: the director does not take the addresses back'
            : undefined;
  if (reset === undefined && delay !== undefined) {
    notes.exact(delayLine.span, quoteStatement(delayLine), 'ha.cf: hactl_preempt_delay');
    return {isHeld, delay};
  }
  notes.omitted(delayLine.span, quoteStatement(delayLine), reset ?? '');
  return {isHeld};
}
