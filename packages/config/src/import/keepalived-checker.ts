/** One checker of a real server in keepalived.conf, as it stands there. Pure. */
import {ipv4, ipv6} from '../addresses.ts';
import {translatePerlRegex} from '@hactl/regex';
import {
  argumentOf,
  argumentsOf,
  blockOf,
  flagOf,
  nameOf,
  numberOf,
  quoteStatement,
  timeOf,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {commandText} from './keepalived-words.ts';
import {isQuotable, shellWord} from './words.ts';

export const checkerNames = [
  'HTTP_GET', 'SSL_GET', 'TCP_CHECK', 'SMTP_CHECK', 'DNS_CHECK', 'MISC_CHECK', 'UDP_CHECK', 'PING_CHECK', 'BFD_CHECK',
  'FILE_CHECK',
] as const; // prettier-ignore
export type CheckerName = (typeof checkerNames)[number];

/** Settings that a checker has from its server, and a server from its virtual. */
export interface Inherited {
  readonly delayLoop?: number;
  readonly connectTimeout?: number;
  readonly retry?: number;
  readonly virtualHost?: string;
}

export function inherit(block: Block, from: Inherited, tools: Tools): Inherited {
  const take = (name: string): Statement | undefined => {
    const statement = block.last(name);
    if (statement)
      tools.book.approximated(statement.span, quoteStatement(statement), inheritedMessages[name] ?? '');
    return statement;
  };
  const delayLoop = timeOf(take('delay_loop'), tools) ?? from.delayLoop;
  const connectTimeout = timeOf(take('connect_timeout'), tools) ?? from.connectTimeout;
  const retry = numberOf(take('retry'), 0, 1_000, tools) ?? from.retry;
  const host = block.last('virtualhost');
  if (host) tools.book.exact(host.span, quoteStatement(host), 'ldirectord.cf: virtualhost of web checks');
  const virtualHost = argumentOf(host) || from.virtualHost;
  return {
    ...(delayLoop === undefined ? {} : {delayLoop}),
    ...(connectTimeout === undefined ? {} : {connectTimeout}),
    ...(retry === undefined ? {} : {retry}),
    ...(virtualHost === undefined ? {} : {virtualHost}),
  };
}

const inheritedMessages: Readonly<Record<string, string>> = {
  delay_loop: 'ldirectord.cf: checkinterval, one for all servers of the virtual',
  connect_timeout:
    'ldirectord.cf: checktimeout, one for all servers of the virtual; it limits the whole check',
  retry: 'ldirectord.cf: failurecount = retry + 1; checks after a failure come at checkinterval',
};

/** One checker as read. */
export interface Checker {
  readonly kind: CheckerName;
  readonly statement: Statement;
  readonly settings: Inherited;
  readonly port?: number;
  readonly request?: string;
  readonly receive?: string;
  readonly virtualHost?: string;
  /** MISC_CHECK's program and its arguments, for the shell. */
  readonly command?: string;
}

/** Reads the checkers of one server. */
export function takeCheckers(block: Block, settings: Inherited, address: string, tools: Tools): Checker[] {
  return block.all(...checkerNames).map((statement) => takeChecker(statement, settings, address, tools));
}

const unusedHere: Readonly<Record<string, string>> = {
  bindto: 'checks leave from the address that the route gives',
  bind_if: 'checks leave from the interface that the route gives',
  bind_port: 'checks leave from any port',
  fwmark: 'checks carry no mark',
  warmup: 'checks are spread over the interval anyway',
  delay_before_retry: 'a failed check is repeated at checkinterval',
  log_all_failures: 'every change is logged',
  alpha: 'a server gets traffic after its first passed check, always',
  misc_dynamic: 'an exit status does not change a weight; 2 to 255 count as failed',
  user: 'the script runs as the checks do',
  http_protocol: 'the check speaks HTTP/1.0',
  fast_recovery: 'one page is asked for',
  helo_name: 'the check has a name of its own',
  enable_sni: 'virtualhost is the name that is asked for',
  payload: 'the check has no payload of its own',
  require_reply: 'the check does not compare replies',
  min_reply_length: 'the check does not compare replies',
  max_reply_length: 'the check does not compare replies',
  host: 'connect_ip and connect_port in the checker itself are read',
  nb_get_retry: 'write retry',
};

function takeChecker(statement: Statement, inherited: Inherited, address: string, tools: Tools): Checker {
  const {book} = tools;
  const kind = nameOf(statement) as CheckerName;
  const block = blockOf(statement.block ?? [], tools);
  const old = block.last('nb_get_retry', 'misc_timeout');
  const settings = inherit(block, inherited, tools);
  const limit = old && nameOf(old) === 'misc_timeout' ? timeOf(old, tools) : undefined;
  if (old)
    book.approximated(
      old.span,
      quoteStatement(old),
      nameOf(old) === 'misc_timeout' ? 'ldirectord.cf: checktimeout' : 'ldirectord.cf: failurecount',
    );
  const retry = old && nameOf(old) === 'nb_get_retry' ? numberOf(old, 0, 1_000, tools) : undefined;
  const portStatement = block.last('connect_port');
  const port = numberOf(portStatement, 1, 65_535, tools);
  if (portStatement)
    book.exact(portStatement.span, quoteStatement(portStatement), 'ldirectord.cf: checkport');
  const ip = block.last('connect_ip');
  if (ip) {
    const target = ipv4(argumentOf(ip)) ?? ipv6(argumentOf(ip));
    if (target === address) book.exact(ip.span, quoteStatement(ip), 'the server’s own address');
    else book.not(ip.span, quoteStatement(ip), 'the server itself is checked, not another address');
  }
  const page =
    kind === 'HTTP_GET' || kind === 'SSL_GET'
      ? takeUrls(block, settings, tools)
      : kind === 'DNS_CHECK'
        ? takeDns(block, tools)
        : {};
  const misc = kind === 'MISC_CHECK' ? takeMisc(block, tools) : {};
  block.finish(unusedHere, 'the check has no such setting');
  return {
    kind,
    statement,
    settings: {
      ...settings,
      ...(retry === undefined ? {} : {retry}),
      ...(limit === undefined ? {} : {connectTimeout: limit}),
    },
    ...(port === undefined ? {} : {port}),
    ...(settings.virtualHost === undefined ? {} : {virtualHost: settings.virtualHost}),
    ...page,
    ...misc,
  };
}

function takeMisc(block: Block, {book, reporter}: Tools): {command?: string} {
  const statement = block.last('misc_path');
  const text = statement ? argumentsOf(statement).join(' ') : '';
  if (!statement || text.trim() === '' || /[\r\n\0]/.test(text)) {
    if (statement)
      reporter.error(
        'missing-value',
        statement.span,
        'misc_path has no program',
        'write misc_path "/path/program arguments"',
      );
    return {};
  }
  // keepalived splits at blanks, and keeps together what stands in single quotes: as the shell does.
  book.exact(
    statement.span,
    quoteStatement(statement),
    'the script of this virtual runs it; exit status 0 is up',
  );
  return {
    command: statement.words.length > 2 ? argumentsOf(statement).map(shellWord).join(' ') : commandText(text),
  };
}

function takeDns(block: Block, {book}: Tools): {request?: string} {
  const [name, type] = [block.last('name'), block.last('type')];
  if (name)
    if (isQuotable(argumentOf(name))) book.exact(name.span, quoteStatement(name), 'ldirectord.cf: request');
    else book.not(name.span, quoteStatement(name), 'not a domain name');
  if (type) book.not(type.span, quoteStatement(type), 'the check asks for an address');
  return isQuotable(argumentOf(name)) ? {request: argumentOf(name)} : {};
}

function takeUrls(
  block: Block,
  settings: Inherited,
  tools: Tools,
): Pick<Checker, 'request' | 'receive' | 'virtualHost'> {
  const {book} = tools;
  const [first, ...others] = block.all('url');
  for (const url of others) book.not(url.span, quoteStatement(url), 'one page is asked for: the first');
  if (!first) return {request: '/'};
  const inner = blockOf(first.block ?? [], tools);
  const [path, code, regex, inverse, host] = [
    'path',
    'status_code',
    'regex',
    'regex_no_match',
    'virtualhost',
  ].map((name) => inner.last(name));
  book.exact(first.span, 'url', 'ldirectord.cf: the page of the check');
  const request = argumentOf(path) || '/';
  if (path)
    if (isQuotable(request) && request.startsWith('/'))
      book.exact(path.span, quoteStatement(path), 'ldirectord.cf: request');
    else book.not(path.span, quoteStatement(path), 'ldirectord.cf cannot hold such a path: / is asked for');
  if (code)
    book.approximated(
      code.span,
      quoteStatement(code),
      'every status from 200 to 299 passes, and redirects are followed',
    );
  if (host) book.exact(host.span, quoteStatement(host), 'ldirectord.cf: virtualhost');
  const inverted = inverse !== undefined && flagOf(inverse, tools) === true;
  const pattern = argumentOf(regex);
  const usable = regex !== undefined && !inverted && isQuotable(pattern) && translatePerlRegex(pattern).ok;
  if (regex)
    if (usable)
      book.approximated(
        regex.span,
        quoteStatement(regex),
        'ldirectord.cf: receive; the expression is looked for in the page’s body',
      );
    else
      book.not(
        regex.span,
        quoteStatement(regex),
        inverted
          ? 'a page that must not match cannot be written'
          : 'the expression cannot be written in ldirectord.cf',
      );
  if (inverse)
    book.not(inverse.span, quoteStatement(inverse), 'a page that must not match cannot be written');
  inner.finish(
    {
      digest: 'pages are not compared by digest: use a regular expression, receive',
      'regex_*': 'the expression has no options: write them into it, (?i)',
    },
    'the check has no such setting',
  );
  const virtualHost = argumentOf(host) || settings.virtualHost;
  return {
    request: isQuotable(request) && request.startsWith('/') ? request : '/',
    ...(usable ? {receive: pattern} : {}),
    ...(virtualHost === undefined ? {} : {virtualHost}),
  };
}
