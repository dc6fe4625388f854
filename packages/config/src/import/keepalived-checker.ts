/** One checker of a real server in keepalived.conf, as it stands there. Pure. */
import {ipv4, ipv6} from '../addresses.ts';
import {
  argumentOf,
  blockOf,
  commandOf,
  ignored,
  lastReadable,
  nameOf,
  numberOf,
  quoteStatement,
  timeOf,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import {takeDns} from './keepalived-dns.ts';
import type {Statement} from './keepalived-lines.ts';
import {isHost, takeUrls, type WebPage} from './keepalived-web.ts';
import {notebook, type Notebook} from './words.ts';

export const checkerNames = [
  'HTTP_GET', 'SSL_GET', 'TCP_CHECK', 'SMTP_CHECK', 'DNS_CHECK', 'MISC_CHECK', 'UDP_CHECK', 'PING_CHECK', 'BFD_CHECK',
  'FILE_CHECK',
] as const; // prettier-ignore
export type CheckerName = (typeof checkerNames)[number];

/** Settings that a checker has from its server, and a server from its virtual; milliseconds. */
export interface Inherited {
  readonly delayLoop?: number;
  readonly connectTimeout?: number;
  readonly retry?: number;
  readonly delayBeforeRetry?: number;
  readonly virtualHost?: string;
  /** How long a script may take that has no limit of its own: the virtual's delay_loop. */
  readonly scriptLimit?: number;
}

export function inherit(
  block: Block,
  from: Inherited,
  tools: Tools,
  {isChecker = false, isScript = false, isWeb = false} = {},
): Inherited {
  const take = (
    name: string,
    read: (line: Statement) => number | undefined,
    ...others: readonly string[]
  ): number | undefined => {
    const found = lastReadable(block, [name, ...others], read, tools);
    if (found)
      tools.book.approximated(found.line.span, quoteStatement(found.line), inheritedMessages[name] ?? '');
    return found?.value;
  };
  // 0 is no time where something is waited for.
  const time = (line: Statement): number | undefined => timeOf(line, tools, 1);
  const delayLoop = take('delay_loop', time) ?? from.delayLoop;
  const connectTimeout = (isScript ? undefined : take('connect_timeout', time)) ?? from.connectTimeout;
  const least = isChecker ? 0 : 1;
  const retry =
    take(
      'retry',
      (line) => numberOf(line, least, 2 ** 32 - 1, tools, !isChecker),
      // Its old name in web checks.
      ...(isWeb ? ['nb_get_retry'] : []),
    ) ?? from.retry;
  const delayBeforeRetry = take('delay_before_retry', (line) => timeOf(line, tools)) ?? from.delayBeforeRetry;
  const host = block.last('virtualhost');
  if (host)
    if (isHost(argumentOf(host)))
      tools.book.exact(host.span, quoteStatement(host), 'ldirectord.cf: virtualhost of web checks');
    else tools.book.lost(host.span, quoteStatement(host), 'ldirectord.cf cannot hold such a name');
  const virtualHost = argumentOf(host) || from.virtualHost;
  const own: {-readonly [name in keyof Inherited]: Inherited[name]} = {...from};
  if (delayLoop !== undefined) own.delayLoop = delayLoop;
  if (connectTimeout !== undefined) own.connectTimeout = connectTimeout;
  if (retry !== undefined) own.retry = retry;
  if (delayBeforeRetry !== undefined) own.delayBeforeRetry = delayBeforeRetry;
  if (virtualHost !== undefined) own.virtualHost = virtualHost;
  return own;
}

const TIMING = 'ldirectord.cf: part of checkinterval and failurecount of the virtual';
const inheritedMessages: Readonly<Record<string, string>> = {
  delay_loop: TIMING,
  retry: TIMING,
  delay_before_retry: TIMING,
  connect_timeout: 'ldirectord.cf: checktimeout; it limits the whole check',
};

/** One checker as read. */
export interface Checker extends WebPage {
  readonly kind: CheckerName;
  readonly statement: Statement;
  readonly settings: Inherited;
  /** Where it is not the server's own. */
  readonly port?: number;
  /** DNS_CHECK: the name that it asks for, and the type of record. */
  readonly dns?: {readonly name: string; readonly type: string};
  /** MISC_CHECK's program and its arguments, for the shell. */
  readonly command?: string;
  /** misc_dynamic: the exit status is the weight plus two. */
  readonly isDynamic?: boolean;
  /** What is said of its lines: counts when the checker stays. */
  readonly book: Notebook;
}

export interface ServerPlace {
  readonly address: string;
  readonly port: number;
}

/**
 * Reads the checkers of one server. A MISC_CHECK without a program and a web check without a page are
 * left out, as in keepalived.
 */
export function takeCheckers(
  block: Block,
  settings: Inherited,
  server: ServerPlace,
  tools: Tools,
): Checker[] {
  return block.all(...checkerNames).flatMap((statement) => {
    const checker = takeChecker(statement, settings, server, tools);
    const missing = missingOf(checker);
    if (missing === undefined) return [checker];
    const reason = `${checker.kind} has no ${missing}: keepalived leaves the check out`;
    ignored(statement, 'missing-value', reason, `the import does too; write ${missing}`, tools);
    tools.book.take(checker.book.notes, `${reason} too`);
    tools.book.not(statement.span, quoteStatement(statement), `${reason} too`);
    return [];
  });
}

/** What keepalived needs and the checker lacks. */
function missingOf({kind, command, request}: Checker): string | undefined {
  if (kind === 'MISC_CHECK') return command === undefined ? 'misc_path "/path/program arguments"' : undefined;
  const isWeb = kind === 'HTTP_GET' || kind === 'SSL_GET';
  return isWeb && request === undefined ? 'url { path /PAGE }' : undefined;
}

const unusedHere: Readonly<Record<string, string>> = {
  bindto: 'checks leave from the address that the route gives',
  bind_if: 'checks leave from the interface that the route gives',
  bind_port: 'checks leave from any port',
  fwmark: 'checks carry no mark',
  warmup: 'checks are spread over the interval anyway',
  log_all_failures: 'every change is logged',
  alpha: 'a server gets traffic after its first passed check, always',
  user: 'the script runs as the checks do',
  fast_recovery: 'one page is asked for',
  helo_name: 'the check has a name of its own',
  enable_sni: 'virtualhost is the name that is asked for',
  payload: 'the check has no payload of its own',
  require_reply: 'the check does not compare replies',
  min_reply_length: 'the check does not compare replies',
  max_reply_length: 'the check does not compare replies',
  track_file: 'there is no such check',
  connect_timeout: 'keepalived does not know this word in MISC_CHECK: misc_timeout limits the script',
  nb_get_retry: 'keepalived knows this word in HTTP_GET and SSL_GET only: write retry',
};
const seriousHere: ReadonlySet<string> = new Set(['require_reply', 'payload', 'bindto', 'fwmark']);

/** Words of SMTP_CHECK itself with which it is a check beside its `host` blocks. */
const aims: ReadonlySet<string> = new Set([
  'connect_ip', 'connect_port', 'bindto', 'bind_port', 'bind_if', 'fwmark', 'connect_timeout',
]); // prettier-ignore

function takeChecker(statement: Statement, inherited: Inherited, server: ServerPlace, outer: Tools): Checker {
  const book = notebook();
  const tools: Tools = {...outer, book};
  const kind = nameOf(statement) as CheckerName;
  const block = blockOf(statement.block ?? [], tools);
  const isWeb = kind === 'HTTP_GET' || kind === 'SSL_GET';
  const limit = kind === 'MISC_CHECK' ? takeScriptLimit(block, inherited, tools) : undefined;
  // SMTP_CHECK has an old form: each block `host` is a check of its own, beside what stands around them.
  const [first, ...hosts] = kind === 'SMTP_CHECK' ? block.all('host') : [];
  const isAround = first !== undefined && block.statements.some((line) => aims.has(nameOf(line)));
  const target = isAround || !first ? undefined : blockOf(first.block ?? [], tools);
  if (first && !isAround) book.exact(first.span, quoteStatement(first), 'see its lines');
  for (const host of isAround && first ? [first, ...hosts] : hosts)
    book.lost(host.span, quoteStatement(host), 'a server has one check here: this one is left out');
  const how = {isChecker: true, isScript: kind === 'MISC_CHECK', isWeb};
  const around = inherit(block, inherited, tools, how);
  const settings = target ? inherit(target, around, tools, how) : around;
  const last = (name: string): Statement | undefined => target?.last(name) ?? block.last(name);
  const port = takeCheckPort(last('connect_port'), server, tools);
  takeCheckAddress(last('connect_ip'), server, tools);
  const page = isWeb ? takeUrls(block, settings.virtualHost, tools) : undefined;
  const dns = kind === 'DNS_CHECK' ? {dns: takeDns(block, tools)} : {};
  const misc = kind === 'MISC_CHECK' ? takeMisc(block, tools) : {};
  target?.finish(unusedHere, 'the check has no such setting', seriousHere);
  block.finish(unusedHere, 'the check has no such setting', seriousHere);
  return {
    kind,
    statement,
    settings: {
      ...settings,
      ...(limit === undefined ? {} : {connectTimeout: limit}),
    },
    ...(port === undefined ? {} : {port}),
    ...page,
    ...dns,
    ...misc,
    book,
  };
}

/** Whole seconds; without any, or with 0, the virtual's delay_loop limits the script. */
function takeScriptLimit(block: Block, {scriptLimit}: Inherited, tools: Tools): number | undefined {
  const most = Math.floor((2 ** 32 - 1) / 1_000_000);
  const found = lastReadable(block, ['misc_timeout'], (line) => numberOf(line, 0, most, tools), tools);
  if (found) tools.book.exact(found.line.span, quoteStatement(found.line), 'ldirectord.cf: checktimeout');
  return found?.value ? found.value * 1_000 : scriptLimit;
}

function takeCheckPort(
  statement: Statement | undefined,
  server: ServerPlace,
  tools: Tools,
): number | undefined {
  const port = numberOf(statement, 1, 65_535, tools);
  if (!statement) return undefined;
  if (port === undefined)
    tools.book.not(statement.span, quoteStatement(statement), 'no port: keepalived ignores it too');
  else if (port === server.port)
    tools.book.exact(statement.span, quoteStatement(statement), 'the server’s own port');
  else tools.book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: checkport');
  return port === server.port ? undefined : port;
}

function takeCheckAddress(statement: Statement | undefined, server: ServerPlace, {book}: Tools): void {
  if (!statement) return;
  const target = ipv4(argumentOf(statement)) ?? ipv6(argumentOf(statement));
  if (target === server.address)
    book.exact(statement.span, quoteStatement(statement), 'the server’s own address');
  else
    book.lost(statement.span, quoteStatement(statement), 'the server itself is checked, not another address');
}

function takeMisc(block: Block, tools: Tools): {command?: string; isDynamic?: boolean} {
  const {book} = tools;
  const statement = block.last('misc_path');
  const dynamic = block.last('misc_dynamic');
  const command = statement && commandOf(statement, tools);
  if (!statement || command === undefined) return {};
  book.exact(
    statement.span,
    quoteStatement(statement),
    'the script of this virtual runs it; exit status 0 is up',
  );
  if (dynamic)
    book.exact(dynamic.span, quoteStatement(dynamic), 'the script of this virtual prints the weight');
  return {command, ...(dynamic ? {isDynamic: true} : {})};
}
