/** How a vrrp_instance elects: state, priority, preemption and the times of its adverts. Pure. */
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
  /** nopreempt, where keepalived heeds it. */
  readonly isHeld: boolean;
  readonly delay?: Millis;
  readonly advert: Millis;
  readonly advertLine?: Statement;
  /** Adverts that may be missed. */
  readonly missed: number;
}

/** Of Master_Down_Interval: three adverts missed, and a skew. */
const MISSED = 3;
/** The default with the state BACKUP, and that of the addresses' owner, with MASTER. */
const PRIORITY = 100;
export const OWNER = 255;
/** keepalived's advert_int: its default and its bounds. */
const ADVERT: Millis = 1_000;
const ADVERT_LEAST: Millis = 10;
const ADVERT_MOST: Millis = 255_000;
const DELAY_MOST: Millis = 1_000_000;

export function takeElection(block: Block, isThird: boolean, tools: VrrpTools): Election {
  const written = takeState(block, tools);
  const priorityLine = block.last('priority');
  const priority = priorityLine
    ? (numberOf(priorityLine, 1, OWNER, tools, true) ?? PRIORITY)
    : written.state === 'MASTER'
      ? OWNER
      : PRIORITY;
  const isStrict = takeStrict(block, tools);
  const first = firstState(block, written, priority, isStrict);
  const advertLine = lastReadable(block, ['advert_int'], (line) => advertOf(line, isThird, tools), tools);
  const missed = lastReadable(block, ['down_timer_adverts'], (line) => numberOf(line, 1, 100, tools), tools);
  if (missed && isStrict)
    tools.book.not(missed.line.span, quoteStatement(missed.line), 'in strict mode keepalived resets it too');
  else if (missed) tools.book.exact(missed.line.span, quoteStatement(missed.line), 'ha.cf: deadtime');
  return {
    // What the file's author wanted, not what the first moments are.
    state: written.stateLine ? written.state : first,
    ...(written.stateLine ? {stateLine: written.stateLine} : {}),
    priority,
    ...(priorityLine ? {priorityLine} : {}),
    ...takePreemption(block, {state: first, priority, isStrict}, tools),
    advert: advertLine?.value ?? ADVERT,
    ...(advertLine ? {advertLine: advertLine.line} : {}),
    missed: missed && !isStrict ? missed.value : MISSED,
  };
}

function takeStrict(block: Block, tools: VrrpTools): boolean {
  const line = block.last('strict_mode');
  if (line) tools.book.not(line.span, quoteStatement(line), 'the pair speaks a protocol of its own');
  return flagOf(line, tools) ?? tools.defaults.isStrict;
}

/** The state in which keepalived begins: in strict mode the owner of the addresses alone is MASTER; with AH nobody else is. */
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

/** Whole seconds in VRRP 2, up to 40.95 s in steps of 10 ms in VRRP 3. undefined: keepalived ignores the line. */
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
        ? `the import does too: VRRP ${isThird ? 3 : 2} has steps of ${step} ms`
        : 'the import does too: from 0.01 to 255 seconds',
      tools,
    );
  return advert;
}

/** Another word is BACKUP to keepalived, the case counts; BACKUP below MASTER does not. */
function takeState(block: Block, tools: VrrpTools): Pick<Election, 'state' | 'stateLine'> {
  const lines = block.all('state');
  for (const line of lines) {
    const word = argumentOf(line);
    if (word === 'MASTER' || word === 'BACKUP') continue;
    const meant = word.toUpperCase() === 'MASTER' ? ' (MASTER, if it is meant: then the files differ)' : '';
    ignored(
      line.words[1] ?? line,
      'bad-value',
      `state is MASTER or BACKUP, not "${word}": keepalived takes it for BACKUP`,
      `the import does too: write state BACKUP${meant}`,
      tools,
    );
  }
  const counting = lines.filter(
    (line, at) =>
      argumentOf(line) !== 'BACKUP' || !lines.slice(0, at).some((line) => argumentOf(line) === 'MASTER'),
  );
  const stateLine = counting.at(-1);
  for (const line of lines)
    if (line !== stateLine) tools.book.not(line.span, quoteStatement(line), 'another state counts');
  return {
    state: argumentOf(stateLine) === 'MASTER' ? 'MASTER' : 'BACKUP',
    ...(stateLine ? {stateLine} : {}),
  };
}

/** nopreempt and preempt_delay count with the initial state BACKUP only, and not both. */
function takePreemption(
  block: Block,
  {state, priority, isStrict}: Pick<Election, 'state' | 'priority'> & {readonly isStrict: boolean},
  tools: VrrpTools,
): Pick<Election, 'isHeld' | 'delay'> {
  const {book} = tools;
  const [holding, delayLine] = [block.last('nopreempt', 'preempt'), block.last('preempt_delay')];
  if (holding && nameOf(holding) === 'preempt')
    book.exact(holding.span, quoteStatement(holding), 'ha.cf: auto_failback on');
  const hold = holding && nameOf(holding) === 'nopreempt' ? holding : undefined;
  const written = timeOf(delayLine, tools);
  const delay = written !== undefined && written <= DELAY_MOST ? written : undefined;
  const cleared =
    state === 'MASTER' ? 'with state MASTER' : priority === OWNER ? 'with priority 255' : undefined;
  const isHeld = hold !== undefined && cleared === undefined;
  if (hold && cleared !== undefined)
    book.not(
      hold.span,
      quoteStatement(hold),
      `${cleared} keepalived clears it: the director takes the addresses back at once, today too`,
    );
  else if (hold) book.exact(hold.span, quoteStatement(hold), 'ha.cf: auto_failback off');
  if (!delayLine) return {isHeld};
  const reset =
    delay === undefined
      ? 'more than 1000 seconds: keepalived ignores it too'
      : state === 'MASTER'
        ? 'with state MASTER keepalived clears it: the director takes the addresses back at once, today too'
        : isStrict
          ? 'in strict mode keepalived resets it: the director takes the addresses back at once, today too'
          : isHeld
            ? 'with nopreempt keepalived resets it: the director does not take the addresses back'
            : undefined;
  if (reset === undefined && delay !== undefined) {
    book.exact(delayLine.span, quoteStatement(delayLine), 'ha.cf: hactl_preempt_delay');
    return {isHeld, delay};
  }
  book.not(delayLine.span, quoteStatement(delayLine), reset ?? '');
  return {isHeld};
}
