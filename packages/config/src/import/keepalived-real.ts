/** real_server of keepalived.conf, and the values that it shares with virtual_server. Pure. */
import type {ForwardMethod} from '../model.ts';
import type {ImportedReal} from './imported.ts';
import {
  argumentOf,
  argumentsOf,
  blockOf,
  flagOf,
  ignored,
  lastReadable,
  numberOf,
  quoteStatement,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import {inherit, takeCheckers, type Checker, type Inherited} from './keepalived-checker.ts';
import type {Statement} from './keepalived-lines.ts';
import {canonical, leadingNumber, notebook, wholeNumber, type Notebook} from './words.ts';

const methods: ReadonlyMap<string, ForwardMethod> = new Map([
  ['NAT', 'masq'],
  ['DR', 'gate'],
  ['TUN', 'ipip'],
]);

/** Words of virtual_server and real_server that have no counterpart. */
export const unused: Readonly<Record<string, string>> = {
  alpha: 'a server gets traffic after its first passed check, always',
  omega: 'there are no commands when a server goes at the end',
  quorum_up:
    'there is no command for a whole service; ldirectord’s fallbackcommand runs when the last server goes',
  quorum_down:
    'there is no command for a whole service; ldirectord’s fallbackcommand runs when the last server goes',
  hysteresis: 'there is no quorum but one server',
  ha_suspend: 'both directors check all the time',
  warmup: 'checks are spread over the interval anyway',
  persistence_engine:
    'ldirectord.cf has no persistence engines: calls are kept together by the client’s address only',
  notify_up: 'there are no commands for a server; hactl logs and mails its changes',
  notify_down: 'there are no commands for a server; hactl logs and mails its changes',
  snmp_name: 'there is no SNMP',
  sorry_server_inhibit: 'the fallback is removed, not set to weight 0',
  smtp_alert: 'mail is sent about all virtual services or none: emailalert',
};

/** Of these the user should know before the switch. */
export const serious: ReadonlySet<string> = new Set([
  'quorum_up',
  'quorum_down',
  'notify_up',
  'notify_down',
  'persistence_engine',
]);

/** The address of a server; keepalived drops a range or a length behind it. */
export const serverAddress = (text: string): string | undefined => canonical(text.split(/[-/]/)[0] ?? '');
export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

/** 0: none; undefined: a port that keepalived refuses, and with it the block. */
export function portAt(statement: Statement, index: number, tools: Tools): number | undefined {
  const word = statement.words[index];
  if (word === undefined || /^0+$/.test(word.text)) return 0;
  const {value = 0, rest} = leadingNumber(word.text);
  if (value < 1 || value > 65_535) return undefined;
  if (rest !== '')
    ignored(
      word,
      'bad-value',
      `"${word.text}" is not a port: keepalived takes ${value} and drops what stands behind it`,
      'the import does too; there are no ranges of ports: write a service or a server for each',
      tools,
    );
  return value;
}

/**
 * NAT, DR or TUN, with the tunnel's type, of one line. The case counts; another word is no method to keepalived, and
 * `otherwise` stays in force, NAT where there is nothing before. A wrong option behind a method costs the options alone.
 */
export function methodOf(
  statement: Statement,
  otherwise: ForwardMethod | undefined,
  tools: Tools,
): ForwardMethod | undefined {
  const {book} = tools;
  const [word = '', ...rest] = argumentsOf(statement);
  const method = methods.get(word);
  if (!method) {
    const meant = methods.get(word.toUpperCase());
    const used = otherwise ?? 'masq';
    ignored(
      statement.words[1] ?? statement,
      'bad-method',
      `"${word}" is not a forwarding method: keepalived ignores the line, the servers are reached by ${used === 'masq' ? 'NAT' : used}`,
      `the import does the same; write NAT, DR or TUN${meant === undefined ? '' : `, here ${word.toUpperCase()}, if it is meant: then the files differ from what runs today`}`,
      tools,
    );
    book.changed(
      statement.span,
      quoteStatement(statement),
      `no method to keepalived, which uses the default; the import writes ${used} too`,
    );
    return undefined;
  }
  const {type, problem} = tunnelOf(rest);
  if (problem !== undefined)
    ignored(
      statement.words[2] ?? statement,
      'bad-method',
      `${quoteStatement(statement)}: ${problem}: keepalived takes the method without its options`,
      'the import does too; write NAT, DR, TUN, TUN type gre or TUN type gue port NUMBER',
      tools,
    );
  if (method === 'ipip' && type !== 'ipip')
    book.lost(
      statement.span,
      quoteStatement(statement),
      `the tunnel is plain ipip here, not ${type}: the real server must end it`,
    );
  else book.exact(statement.span, quoteStatement(statement), `ldirectord.cf: ${method}`);
  return method;
}

interface Tunnel {
  readonly type: string;
  readonly port: number;
  readonly sums: string;
}

/** The options of a method as written, or the words that are none. */
function tunnelOptions(words: readonly string[], before: Tunnel): Tunnel | string {
  const [word, value = '', ...rest] = words;
  if (word === undefined) return before;
  if (word === 'type' && ['ipip', 'gue', 'gre'].includes(value))
    return tunnelOptions(rest, {...before, type: value});
  if (word === 'port' && wholeNumber(value, 1, 65_535) !== undefined)
    return tunnelOptions(rest, {...before, port: Number(value)});
  if (word === 'nocsum' || word === 'csum' || word === 'remcsum')
    return tunnelOptions(words.slice(1), {...before, sums: word});
  return `${word} ${value}`.trim();
}

/** The type of a tunnel as written behind the method, or why keepalived does not take the options: then it is ipip. */
function tunnelOf(words: readonly string[]): {readonly type: string; readonly problem?: string} {
  const read = tunnelOptions(words, {type: 'ipip', port: 0, sums: 'nocsum'});
  if (typeof read === 'string') return {type: 'ipip', problem: `"${read}" is no option of a method`};
  const {type, port, sums} = read;
  const problem =
    (type === 'gue') !== port > 0
      ? 'a port is for gue tunnels, and they need it'
      : sums !== 'nocsum' && type === 'ipip'
        ? `an ipip tunnel has no ${sums}`
        : sums === 'remcsum' && type === 'gre'
          ? 'a gre tunnel has no remcsum'
          : undefined;
  return problem === undefined ? {type} : {type: 'ipip', problem};
}

export function takeFlag(block: Block, name: string, message: string, tools: Tools): boolean | undefined {
  const statement = block.last(name);
  if (statement) tools.book.exact(statement.span, quoteStatement(statement), message);
  return flagOf(statement, tools);
}

export interface TakenReal {
  readonly statement: Statement;
  readonly real: ImportedReal;
  readonly isQuiet: boolean;
  readonly checkers: readonly Checker[];
  /** What is said of its lines: counts when it is known whether the server stays. */
  readonly book: Notebook;
}

export function takeReal(
  statement: Statement,
  from: {
    readonly method: ForwardMethod;
    readonly settings: Inherited;
    readonly isQuiet: boolean;
    readonly weight: number;
  },
  tools: Tools,
): TakenReal | undefined {
  const book = notebook();
  const own = {...tools, book};
  const address = serverAddress(argumentOf(statement));
  const port = portAt(statement, 2, tools);
  if (address === undefined || port === undefined) {
    const what = `"${argumentOf(statement)} ${argumentOf(statement, 2)}"`.trim();
    ignored(
      statement.words[1] ?? statement,
      'bad-address',
      `${what} is not an address and a port: keepalived leaves the server out`,
      'the import does too; write real_server ADDRESS PORT {',
      tools,
    );
    takeGood(statement, '0.0.0.0', 0, from, own);
    tools.book.take(book.notes, 'keepalived leaves the server out, its address is none');
    tools.book.not(
      statement.span,
      quoteStatement(statement),
      'no address and port: keepalived leaves it out too',
    );
    return undefined;
  }
  return takeGood(statement, address, port, from, own);
}

function takeGood(
  statement: Statement,
  address: string,
  port: number,
  from: Parameters<typeof takeReal>[1],
  tools: Tools & {readonly book: Notebook},
): TakenReal {
  const {book} = tools;
  const block = blockOf(statement.block ?? [], tools);
  const number = (name: string, message: string): number | undefined => {
    const found = lastReadable(block, [name], (line) => numberOf(line, 0, 2 ** 31 - 1, tools), tools);
    if (found) book.exact(found.line.span, quoteStatement(found.line), message);
    return found?.value;
  };
  const weight = number('weight', 'ldirectord.cf: the weight of real=') ?? from.weight;
  const upperThreshold = number('uthreshold', 'ldirectord.cf: u:') ?? 0;
  const lowerThreshold = number('lthreshold', 'ldirectord.cf: l:') ?? 0;
  const method =
    lastReadable(block, ['lvs_method'], (line) => methodOf(line, from.method, tools), tools)?.value ??
    from.method;
  const isQuiet = takeFlag(block, 'inhibit_on_failure', 'ldirectord.cf: quiescent', tools) ?? from.isQuiet;
  const settings = inherit(block, from.settings, tools);
  const checkers = takeCheckers(block, settings, {address, port}, tools);
  block.finish(unused, 'keepalived knows no such word either, or hactl does not', serious);
  book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: real');
  return {
    statement,
    real: {address, port, method, weight, upperThreshold, lowerThreshold, span: statement.span},
    isQuiet,
    checkers,
    book,
  };
}
