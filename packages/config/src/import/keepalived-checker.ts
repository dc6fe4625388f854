/** Reads the checkers of a real server in keepalived.conf. Pure. */
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
import {parseDns} from './keepalived-dns.ts';
import type {Statement} from './keepalived-lines.ts';
import {isHost, parseUrls, type WebPage} from './keepalived-web.ts';
import {newNotes, type Notes} from './words.ts';

export const checkerNames = [
  'HTTP_GET', 'SSL_GET', 'TCP_CHECK', 'SMTP_CHECK', 'DNS_CHECK', 'MISC_CHECK', 'UDP_CHECK', 'PING_CHECK', 'BFD_CHECK',
  'FILE_CHECK',
] as const; // prettier-ignore
export type CheckerName = (typeof checkerNames)[number];

/** Settings that a checker inherits from its server, and a server from its virtual service; times in milliseconds. */
export interface Inherited {
  readonly delayLoop?: number;
  readonly connectTimeout?: number;
  readonly retry?: number;
  readonly delayBeforeRetry?: number;
  readonly virtualHost?: string;
  /** Time limit of a script without misc_timeout: the virtual service's delay_loop. */
  readonly scriptLimit?: number;
}

export function inherit(
  block: Block,
  from: Inherited,
  tools: Tools,
  {isChecker = false, isScript = false, isWeb = false} = {},
): Inherited {
  const valueOf = (
    name: string,
    read: (line: Statement) => number | undefined,
    ...aliases: readonly string[]
  ): number | undefined => {
    const found = lastReadable(block, [name, ...aliases], read, tools);
    if (found)
      tools.notes.approximated(found.line.span, quoteStatement(found.line), inheritedMessages[name] ?? '');
    return found?.value;
  };
  // 0 is invalid for these times.
  const time = (line: Statement): number | undefined => timeOf(line, tools, 1);
  const delayLoop = valueOf('delay_loop', time) ?? from.delayLoop;
  const connectTimeout = (isScript ? undefined : valueOf('connect_timeout', time)) ?? from.connectTimeout;
  const least = isChecker ? 0 : 1;
  const retry =
    valueOf(
      'retry',
      (line) => numberOf(line, least, 2 ** 32 - 1, tools, !isChecker),
      // The old name in web checks.
      ...(isWeb ? ['nb_get_retry'] : []),
    ) ?? from.retry;
  const delayBeforeRetry =
    valueOf('delay_before_retry', (line) => timeOf(line, tools)) ?? from.delayBeforeRetry;
  const host = block.last('virtualhost');
  if (host)
    if (isHost(argumentOf(host)))
      tools.notes.exact(host.span, quoteStatement(host), 'ldirectord.cf: virtualhost of web checks');
    else tools.notes.lost(host.span, quoteStatement(host), 'ldirectord.cf does not allow such a name');
  const virtualHost = argumentOf(host) || from.virtualHost;
  const merged: {-readonly [name in keyof Inherited]: Inherited[name]} = {...from};
  if (delayLoop !== undefined) merged.delayLoop = delayLoop;
  if (connectTimeout !== undefined) merged.connectTimeout = connectTimeout;
  if (retry !== undefined) merged.retry = retry;
  if (delayBeforeRetry !== undefined) merged.delayBeforeRetry = delayBeforeRetry;
  if (virtualHost !== undefined) merged.virtualHost = virtualHost;
  return merged;
}

const TIMING = 'ldirectord.cf: included in the service’s checkinterval and failurecount';
const inheritedMessages: Readonly<Record<string, string>> = {
  delay_loop: TIMING,
  retry: TIMING,
  delay_before_retry: TIMING,
  connect_timeout: 'ldirectord.cf: checktimeout; it limits the whole check',
};

/** A parsed checker. */
export interface Checker extends WebPage {
  readonly kind: CheckerName;
  readonly statement: Statement;
  readonly settings: Inherited;
  /** Set if it differs from the server's port. */
  readonly port?: number;
  /** DNS_CHECK: queried name and record type. */
  readonly dns?: {readonly name: string; readonly type: string};
  /** MISC_CHECK's program and its arguments, for the shell. */
  readonly command?: string;
  /** misc_dynamic: the exit status is the weight plus two. */
  readonly isDynamic?: boolean;
  /** Notes about its lines, valid if the checker is kept. */
  readonly notes: Notes;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * Reads the checkers of one server. Like keepalived, leaves out a MISC_CHECK without a program and a web check without a
 * page.
 */
export function parseCheckers(block: Block, settings: Inherited, server: Endpoint, tools: Tools): Checker[] {
  return block.all(...checkerNames).flatMap((statement) => {
    const checker = parseChecker(statement, settings, server, tools);
    const missing = missingOf(checker);
    if (missing === undefined) return [checker];
    const reason = `${checker.kind} has no ${missing}: keepalived leaves the check out`;
    ignored(statement, 'missing-value', reason, `the import does too; write ${missing}`, tools);
    tools.notes.addAll(checker.notes.list, `${reason} too`);
    tools.notes.omitted(statement.span, quoteStatement(statement), `${reason} too`);
    return [];
  });
}

/** The missing statement without which keepalived drops the checker. */
function missingOf({kind, command, request}: Checker): string | undefined {
  if (kind === 'MISC_CHECK') return command === undefined ? 'misc_path "/path/program arguments"' : undefined;
  const isWeb = kind === 'HTTP_GET' || kind === 'SSL_GET';
  return isWeb && request === undefined ? 'url { path /PAGE }' : undefined;
}

const unusedHere: Readonly<Record<string, string>> = {
  bindto: 'the route selects the source address of checks',
  bind_if: 'the route selects the interface of checks',
  bind_port: 'checks use any source port',
  fwmark: 'packets of checks have no mark',
  warmup: 'checks are spread over the interval anyway',
  log_all_failures: 'every change is logged',
  alpha: 'always on: a server gets traffic only after its first passed check',
  user: 'the script runs as the user of the checks',
  fast_recovery: 'only one page is requested',
  helo_name: 'the check uses its own HELO name',
  enable_sni: 'the SNI name is virtualhost',
  payload: 'the check does not send a payload',
  require_reply: 'the check does not compare replies',
  min_reply_length: 'the check does not compare replies',
  max_reply_length: 'the check does not compare replies',
  track_file: 'hactl has no such check',
  connect_timeout: 'not a keyword of MISC_CHECK: misc_timeout limits the script',
  nb_get_retry: 'a keyword of HTTP_GET and SSL_GET only: write retry',
};
const seriousHere: ReadonlySet<string> = new Set(['require_reply', 'payload', 'bindto', 'fwmark']);

/** Keywords of SMTP_CHECK itself that make it a check in addition to its `host` blocks. */
const aims: ReadonlySet<string> = new Set([
  'connect_ip', 'connect_port', 'bindto', 'bind_port', 'bind_if', 'fwmark', 'connect_timeout',
]); // prettier-ignore

function parseChecker(statement: Statement, inherited: Inherited, server: Endpoint, outer: Tools): Checker {
  const notes = newNotes();
  const tools: Tools = {...outer, notes};
  const kind = nameOf(statement) as CheckerName;
  const block = blockOf(statement.block ?? [], tools);
  const isWeb = kind === 'HTTP_GET' || kind === 'SSL_GET';
  const limit = kind === 'MISC_CHECK' ? parseScriptLimit(block, inherited, tools) : undefined;
  // Old form of SMTP_CHECK: each `host` block is a separate check, besides the settings around them.
  const [first, ...hosts] = kind === 'SMTP_CHECK' ? block.all('host') : [];
  const isAround = first !== undefined && block.statements.some((line) => aims.has(nameOf(line)));
  const target = isAround || !first ? undefined : blockOf(first.block ?? [], tools);
  if (first && !isAround) notes.exact(first.span, quoteStatement(first), 'see its lines');
  for (const host of isAround && first ? [first, ...hosts] : hosts)
    notes.lost(host.span, quoteStatement(host), 'a server has one check here: this check is left out');
  const how = {isChecker: true, isScript: kind === 'MISC_CHECK', isWeb};
  const around = inherit(block, inherited, tools, how);
  const settings = target ? inherit(target, around, tools, how) : around;
  const last = (name: string): Statement | undefined => target?.last(name) ?? block.last(name);
  const port = parseCheckPort(last('connect_port'), server, tools);
  parseCheckAddress(last('connect_ip'), server, tools);
  const page = isWeb ? parseUrls(block, settings.virtualHost, tools) : undefined;
  const dns = kind === 'DNS_CHECK' ? {dns: parseDns(block, tools)} : {};
  const misc = kind === 'MISC_CHECK' ? parseMisc(block, tools) : {};
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
    notes,
  };
}

/** misc_timeout in milliseconds, or the virtual service's delay_loop if it is missing or 0. */
function parseScriptLimit(block: Block, {scriptLimit}: Inherited, tools: Tools): number | undefined {
  const most = Math.floor((2 ** 32 - 1) / 1_000_000);
  const found = lastReadable(block, ['misc_timeout'], (line) => numberOf(line, 0, most, tools), tools);
  if (found) tools.notes.exact(found.line.span, quoteStatement(found.line), 'ldirectord.cf: checktimeout');
  return found?.value ? found.value * 1_000 : scriptLimit;
}

function parseCheckPort(
  statement: Statement | undefined,
  server: Endpoint,
  tools: Tools,
): number | undefined {
  const port = numberOf(statement, 1, 65_535, tools);
  if (!statement) return undefined;
  if (port === undefined)
    tools.notes.omitted(statement.span, quoteStatement(statement), 'not a port: keepalived ignores it too');
  else if (port === server.port)
    tools.notes.exact(statement.span, quoteStatement(statement), 'the server’s port');
  else tools.notes.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: checkport');
  return port === server.port ? undefined : port;
}

function parseCheckAddress(statement: Statement | undefined, server: Endpoint, {notes}: Tools): void {
  if (!statement) return;
  const target = ipv4(argumentOf(statement)) ?? ipv6(argumentOf(statement));
  if (target === server.address)
    notes.exact(statement.span, quoteStatement(statement), 'the server’s address');
  else
    notes.lost(
      statement.span,
      quoteStatement(statement),
      'checks go to the server itself, not to another address',
    );
}

function parseMisc(block: Block, tools: Tools): {command?: string; isDynamic?: boolean} {
  const {notes} = tools;
  const statement = block.last('misc_path');
  const dynamic = block.last('misc_dynamic');
  const command = statement && commandOf(statement, tools);
  if (!statement || command === undefined) return {};
  notes.exact(
    statement.span,
    quoteStatement(statement),
    'run by the script of this virtual service; exit status 0 means up',
  );
  if (dynamic)
    notes.exact(
      dynamic.span,
      quoteStatement(dynamic),
      'the script of this virtual service prints the weight',
    );
  return {command, ...(dynamic ? {isDynamic: true} : {})};
}
