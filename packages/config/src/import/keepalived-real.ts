/** real_server of keepalived.conf, and values that it shares with virtual_server. Pure. */
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
import {inherit, parseCheckers, type Checker, type Inherited} from './keepalived-checker.ts';
import type {Statement} from './keepalived-lines.ts';
import {canonical, leadingNumber, newNotes, wholeNumber, type Notes} from './words.ts';

const methods: ReadonlyMap<string, ForwardMethod> = new Map([
  ['NAT', 'masq'],
  ['DR', 'gate'],
  ['TUN', 'ipip'],
]);

/** Keywords of virtual_server and real_server without a counterpart. */
export const unused: Readonly<Record<string, string>> = {
  alpha: 'always on: a server gets traffic only after its first passed check',
  omega: 'no commands are run at shutdown',
  quorum_up: 'no commands for a whole service; ldirectord’s fallbackcommand runs when the last server fails',
  quorum_down:
    'no commands for a whole service; ldirectord’s fallbackcommand runs when the last server fails',
  hysteresis: 'the quorum is always one server',
  ha_suspend: 'both directors always check',
  warmup: 'checks are spread over the interval anyway',
  persistence_engine: 'ldirectord.cf has no persistence engines: persistence is by client address only',
  notify_up: 'no commands for a server; hactl logs and mails its changes',
  notify_down: 'no commands for a server; hactl logs and mails its changes',
  snmp_name: 'hactl has no SNMP support',
  sorry_server_inhibit: 'the fallback is removed, not set to weight 0',
  smtp_alert: 'mail is sent about all virtual services or none: emailalert',
};

/** Keywords that the user should know about before the switch. */
export const serious: ReadonlySet<string> = new Set([
  'quorum_up',
  'quorum_down',
  'notify_up',
  'notify_down',
  'persistence_engine',
]);

/** The address of a server; keepalived drops a range or a length after it. */
export const serverAddress = (text: string): string | undefined => canonical(text.split(/[-/]/)[0] ?? '');
export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

/** 0: no port; undefined: a port for which keepalived rejects the whole block. */
export function portAt(statement: Statement, index: number, tools: Tools): number | undefined {
  const word = statement.words[index];
  if (word === undefined || /^0+$/.test(word.text)) return 0;
  const {value = 0, rest} = leadingNumber(word.text);
  if (value < 1 || value > 65_535) return undefined;
  if (rest !== '')
    ignored(
      word,
      'bad-value',
      `"${word.text}" is not a port: keepalived uses ${value} and drops the rest`,
      'the import does too; port ranges are not supported: write a service or a server for each port',
      tools,
    );
  return value;
}

/**
 * The method of a line: NAT, DR or TUN, case-sensitive. undefined: keepalived ignores the line, and `otherwise` (or NAT) stays
 * in force. A wrong option after the method invalidates the options only.
 */
export function methodOf(
  statement: Statement,
  otherwise: ForwardMethod | undefined,
  tools: Tools,
): ForwardMethod | undefined {
  const {notes} = tools;
  const [word = '', ...rest] = argumentsOf(statement);
  const method = methods.get(word);
  if (!method) {
    const meant = methods.get(word.toUpperCase());
    const used = otherwise ?? 'masq';
    ignored(
      statement.words[1] ?? statement,
      'bad-method',
      `"${word}" is not a forwarding method: keepalived ignores the line and uses ${used === 'masq' ? 'NAT' : used}`,
      `the import does the same; write NAT, DR or TUN${meant === undefined ? '' : `; ${word.toUpperCase()} may be intended, but differs from what runs today`}`,
      tools,
    );
    notes.changed(
      statement.span,
      quoteStatement(statement),
      `not a method for keepalived; the import writes ${used}, the method that keepalived uses`,
    );
    return undefined;
  }
  const {type, problem} = tunnelOf(rest);
  if (problem !== undefined)
    ignored(
      statement.words[2] ?? statement,
      'bad-method',
      `${quoteStatement(statement)}: ${problem}: keepalived uses the method without options`,
      'the import does too; write NAT, DR, TUN, TUN type gre or TUN type gue port NUMBER',
      tools,
    );
  if (method === 'ipip' && type !== 'ipip')
    notes.lost(
      statement.span,
      quoteStatement(statement),
      `the tunnel is plain ipip here, not ${type}: the real server must accept ipip`,
    );
  else notes.exact(statement.span, quoteStatement(statement), `ldirectord.cf: ${method}`);
  return method;
}

interface Tunnel {
  readonly type: string;
  readonly port: number;
  readonly sums: string;
}

/** The options of a method as written, or the first words that are not an option. */
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

/** The tunnel type of a method, or the reason why keepalived ignores its options and uses ipip. */
function tunnelOf(words: readonly string[]): {readonly type: string; readonly problem?: string} {
  const read = tunnelOptions(words, {type: 'ipip', port: 0, sums: 'nocsum'});
  if (typeof read === 'string') return {type: 'ipip', problem: `"${read}" is not an option of a method`};
  const {type, port, sums} = read;
  const problem =
    (type === 'gue') !== port > 0
      ? 'gue tunnels require a port, and only they have one'
      : sums !== 'nocsum' && type === 'ipip'
        ? `an ipip tunnel has no ${sums}`
        : sums === 'remcsum' && type === 'gre'
          ? 'a gre tunnel has no remcsum'
          : undefined;
  return problem === undefined ? {type} : {type: 'ipip', problem};
}

export function parseFlag(block: Block, name: string, message: string, tools: Tools): boolean | undefined {
  const statement = block.last(name);
  if (statement) tools.notes.exact(statement.span, quoteStatement(statement), message);
  return flagOf(statement, tools);
}

export interface ParsedReal {
  readonly statement: Statement;
  readonly real: ImportedReal;
  readonly isQuiet: boolean;
  readonly checkers: readonly Checker[];
  /** Notes about its lines, added once it is known whether the server is kept. */
  readonly notes: Notes;
}

export function parseReal(
  statement: Statement,
  from: {
    readonly method: ForwardMethod;
    readonly settings: Inherited;
    readonly isQuiet: boolean;
    readonly weight: number;
  },
  tools: Tools,
): ParsedReal | undefined {
  const notes = newNotes();
  const serverTools = {...tools, notes};
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
    parseValidReal(statement, '0.0.0.0', 0, from, serverTools);
    tools.notes.addAll(notes.list, 'keepalived leaves the server out, its address is invalid');
    tools.notes.omitted(
      statement.span,
      quoteStatement(statement),
      'not an address and a port: keepalived leaves it out too',
    );
    return undefined;
  }
  return parseValidReal(statement, address, port, from, serverTools);
}

function parseValidReal(
  statement: Statement,
  address: string,
  port: number,
  from: Parameters<typeof parseReal>[1],
  tools: Tools & {readonly notes: Notes},
): ParsedReal {
  const {notes} = tools;
  const block = blockOf(statement.block ?? [], tools);
  const number = (name: string, message: string): number | undefined => {
    const found = lastReadable(block, [name], (line) => numberOf(line, 0, 2 ** 31 - 1, tools), tools);
    if (found) notes.exact(found.line.span, quoteStatement(found.line), message);
    return found?.value;
  };
  const weight = number('weight', 'ldirectord.cf: the weight of real=') ?? from.weight;
  const upperThreshold = number('uthreshold', 'ldirectord.cf: u:') ?? 0;
  const lowerThreshold = number('lthreshold', 'ldirectord.cf: l:') ?? 0;
  const method =
    lastReadable(block, ['lvs_method'], (line) => methodOf(line, from.method, tools), tools)?.value ??
    from.method;
  const isQuiet = parseFlag(block, 'inhibit_on_failure', 'ldirectord.cf: quiescent', tools) ?? from.isQuiet;
  const settings = inherit(block, from.settings, tools);
  const checkers = parseCheckers(block, settings, {address, port}, tools);
  block.finish(unused, 'not a keyword of keepalived, or not supported by hactl', serious);
  notes.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: real');
  return {
    statement,
    real: {address, port, method, weight, upperThreshold, lowerThreshold, span: statement.span},
    isQuiet,
    checkers,
    notes,
  };
}
