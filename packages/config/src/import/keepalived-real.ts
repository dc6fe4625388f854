/** real_server of keepalived.conf, and the values that it shares with virtual_server. Pure. */
import {ipv4, ipv6, portNumber} from '../addresses.ts';
import type {ForwardMethod} from '../model.ts';
import type {ImportedReal} from './imported.ts';
import {
  argumentOf,
  argumentsOf,
  blockOf,
  flagOf,
  numberOf,
  quoteStatement,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import {inherit, takeCheckers, type Inherited} from './keepalived-checker.ts';
import type {CheckedServer} from './keepalived-checks.ts';
import type {Statement} from './keepalived-lines.ts';

const methods: Readonly<Record<string, ForwardMethod>> = {NAT: 'masq', DR: 'gate', TUN: 'ipip'};

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
  delay_before_retry: 'a failed check is repeated at checkinterval',
  persistence_engine:
    'ldirectord.cf has no persistence engines: calls are kept together by the client’s address only',
  notify_up: 'there are no commands for a server; hactl logs and mails its changes',
  notify_down: 'there are no commands for a server; hactl logs and mails its changes',
  snmp_name: 'there is no SNMP',
  sorry_server_inhibit: 'the fallback is removed, not set to weight 0',
  smtp_alert: 'mail is sent about all virtual services or none: emailalert',
};

export const canonical = (text: string): string | undefined => ipv4(text) ?? ipv6(text);
export const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

export function takePort(statement: Statement, at: number, {reporter}: Tools): number | undefined {
  const word = statement.words[at];
  if (!word) return 0;
  const port = portNumber(word.text);
  if (port === undefined)
    reporter.error('bad-port', word.span, `"${word.text}" is not a port`, 'a number from 1 to 65535');
  return port;
}

/** NAT, DR or TUN, with the tunnel's type. */
export function takeMethod(
  statement: Statement | undefined,
  otherwise: ForwardMethod | undefined,
  {reporter, book}: Tools,
): ForwardMethod | undefined {
  if (!statement) return otherwise;
  const [word = '', ...rest] = argumentsOf(statement);
  const method = methods[word.toUpperCase()];
  if (!method) {
    reporter.error(
      'bad-method',
      statement.words[1]?.span ?? statement.span,
      `"${word}" is not a forwarding method`,
      'NAT, DR or TUN',
    );
    return otherwise;
  }
  const type = rest.indexOf('type') === -1 ? 'ipip' : rest[rest.indexOf('type') + 1];
  if (method === 'ipip' && (type !== 'ipip' || rest.some((one) => one === 'csum' || one === 'remcsum')))
    book.not(
      statement.span,
      quoteStatement(statement),
      `the tunnel is plain ipip here, not ${type}: the real server must end it`,
    );
  else book.exact(statement.span, quoteStatement(statement), `ldirectord.cf: ${method}`);
  return method;
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
  readonly checkers: CheckedServer['checkers'];
}

export function takeReal(
  statement: Statement,
  from: {readonly method: ForwardMethod; readonly settings: Inherited; readonly isQuiet: boolean},
  tools: Tools,
): TakenReal | undefined {
  const {reporter, book} = tools;
  const block = blockOf(statement.block ?? [], tools);
  const address = canonical(argumentOf(statement));
  const port = takePort(statement, 2, tools) ?? 0;
  if (address === undefined) {
    reporter.error(
      'bad-address',
      statement.words[1]?.span ?? statement.span,
      `"${argumentOf(statement)}" is not an address`,
      'write real_server ADDRESS PORT {',
    );
    return undefined;
  }
  const number = (name: string, message: string): number | undefined => {
    const one = block.last(name);
    if (one) book.exact(one.span, quoteStatement(one), message);
    return numberOf(one, 0, 2 ** 31 - 1, tools);
  };
  const weight = number('weight', 'ldirectord.cf: the weight of real=') ?? 1;
  const upperThreshold = number('uthreshold', 'ldirectord.cf: u:') ?? 0;
  const lowerThreshold = number('lthreshold', 'ldirectord.cf: l:') ?? 0;
  const method = takeMethod(block.last('lvs_method'), from.method, tools) ?? from.method;
  const isQuiet = takeFlag(block, 'inhibit_on_failure', 'ldirectord.cf: quiescent', tools) ?? from.isQuiet;
  const settings = inherit(block, from.settings, tools);
  const checkers = takeCheckers(block, settings, address, tools);
  block.finish(unused, 'keepalived knows no such word either, or hactl does not');
  book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: real');
  return {
    statement,
    real: {address, port, method, weight, upperThreshold, lowerThreshold},
    isQuiet,
    checkers,
  };
}
