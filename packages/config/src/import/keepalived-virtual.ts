/** virtual_server of keepalived.conf, with what keepalived 2.2.7 puts right by itself. Pure. */
import {ipv4, prefixLength} from '../addresses.ts';
import type {ForwardMethod, VirtualAddress} from '../model.ts';
import type {ImportedReal, ImportedScript, ImportedVirtual} from './imported.ts';
import {
  argumentOf,
  blockOf,
  nameOf,
  numberOf,
  quoteStatement,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import {inherit, type Inherited} from './keepalived-checker.ts';
import {mergeChecks, type CheckedServer} from './keepalived-checks.ts';
import {takeHeads, type HeadTools} from './keepalived-heads.ts';
import type {Statement} from './keepalived-lines.ts';
import {
  canonical,
  familyOf,
  takeFlag,
  takeMethod,
  takePort,
  takeReal,
  unused,
  type TakenReal,
} from './keepalived-real.ts';
import {fileWord, wholeNumber} from './words.ts';

export interface VirtualTools extends HeadTools {
  readonly scripts: ImportedScript[];
}

const flags = ['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'];
/** What keepalived takes for `persistence_timeout` without a number. */
const PERSISTENCE = 360;

export function takeVirtualServers(statement: Statement, tools: VirtualTools): ImportedVirtual[] {
  const {book} = tools;
  const block = blockOf(statement.block ?? [], tools);
  const protocolStatement = block.last('protocol');
  const isMark = argumentOf(statement) === 'fwmark';
  // Without a protocol keepalived (2.2.7) programs udp; a firewall mark has none.
  const protocolName = argumentOf(protocolStatement).toLowerCase() || (isMark ? 'tcp' : 'udp');
  const heads = takeHeads(statement, protocolName === 'udp' ? 'udp' : 'tcp', tools);
  if (protocolName !== 'tcp' && protocolName !== 'udp') {
    if (protocolName === 'sctp')
      book.not(
        statement.span,
        quoteStatement(statement),
        'ldirectord.cf knows tcp and udp, not sctp: the whole service is left out',
      );
    else
      tools.reporter.error(
        'bad-value',
        protocolStatement?.words[1]?.span ?? statement.span,
        `unknown protocol "${protocolName}"`,
        'TCP, UDP or SCTP',
      );
    return [];
  }
  if (protocolStatement)
    book.exact(protocolStatement.span, quoteStatement(protocolStatement), 'ldirectord.cf: protocol');
  const settings = inherit(block, {}, tools);
  const method = takeMethod(block.last('lvs_method', 'lb_kind'), undefined, tools);
  const scheduler = takeScheduler(block, tools);
  const schedFlags = block.all(...flags);
  for (const flag of schedFlags) book.exact(flag.span, quoteStatement(flag), 'ldirectord.cf: schedflags');
  const ops = block.last('ops');
  const isQuiet = takeFlag(block, 'inhibit_on_failure', 'ldirectord.cf: quiescent', tools) ?? false;
  const family = takeFamily(block, tools);
  const sorry = takeSorry(block, method ?? 'masq', tools);
  takeQuorum(block, tools);
  const servers = block
    .all('real_server')
    .flatMap((real) => takeReal(real, {method: method ?? 'masq', settings, isQuiet}, tools) ?? []);
  const persistence = takePersistence(block, family ?? familyOf(servers[0]?.real.address ?? ''), tools);
  block.finish(unused, 'keepalived knows no such word either, or hactl does not');

  const quiet = servers.filter((server) => server.isQuiet);
  if (quiet.length > 0 && quiet.length < servers.length)
    book.approximated(
      statement.span,
      quoteStatement(statement),
      `${quiet.length} of ${servers.length} servers have inhibit_on_failure: quiescent=yes for all`,
    );
  if (servers.length === 0 && heads.length > 0) {
    book.not(
      statement.span,
      quoteStatement(statement),
      'it has no real server: keepalived leaves it out too',
    );
    return [];
  }
  if (protocolStatement === undefined && heads.some((head) => head.kind === 'address'))
    tools.reporter.add(
      'warning',
      'missing-value',
      statement.span,
      'no protocol is set: keepalived programs udp, and so does the import',
      'write protocol TCP if tcp is meant',
    );
  return heads.map((head): ImportedVirtual => {
    const address: VirtualAddress =
      head.kind === 'address'
        ? head
        : {
            kind: 'fwmark',
            family: head.isFixed ? head.family : (family ?? familyOf(servers[0]?.real.address ?? '')),
            mark: head.mark,
          };
    const suffix = address.kind === 'address' ? address.protocol : 'mark';
    return {
      span: statement.span,
      address,
      ...takeServersOf(address, suffix, servers, settings, tools),
      ...takeFallback(sorry, address, statement, tools),
      scheduler,
      ...(schedFlags.length === 0 ? {} : {schedFlags: schedFlags.map(nameOf).join(',')}),
      // Every port of an address: the kernel wants such a service persistent, and keepalived sets it.
      ...(address.kind === 'address' && address.port === 0
        ? {persistent: PERSISTENCE, ...persistence}
        : persistence),
      ops: takeOps(ops, address, tools),
      quiescent: quiet.length > 0,
    };
  });
}

/** One packet at a time: for udp and marks only; keepalived takes it back for tcp. */
function takeOps(statement: Statement | undefined, address: VirtualAddress, {book}: Tools): boolean {
  if (!statement) return false;
  const isTcp = address.kind === 'address' && address.protocol === 'tcp';
  if (isTcp)
    book.not(statement.span, quoteStatement(statement), 'it is for udp only: keepalived leaves it out too');
  else book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: ops');
  return !isTcp;
}

function takeFallback(
  sorry: ImportedVirtual['fallback'],
  address: VirtualAddress,
  statement: Statement,
  {book}: Tools,
): {fallback?: NonNullable<ImportedVirtual['fallback']>} {
  if (!sorry) return {};
  if (familyOf(sorry.address) === address.family) return {fallback: sorry};
  book.not(
    statement.span,
    `sorry_server ${sorry.address}`,
    'a server of the other address family cannot stand in this virtual',
  );
  return {};
}

/** The servers that can stand in a virtual with this address, and their check. */
function takeServersOf(
  address: VirtualAddress,
  suffix: string,
  servers: readonly TakenReal[],
  settings: Inherited,
  tools: VirtualTools,
): Pick<ImportedVirtual, 'reals' | 'check'> {
  const {book} = tools;
  const port = address.kind === 'address' ? address.port : 0;
  const seen = new Set<string>();
  const fit = servers.flatMap((server) => {
    const {statement, real} = server;
    const say = (reason: string): [] => {
      book.not(statement.span, quoteStatement(statement), reason);
      return [];
    };
    if (familyOf(real.address) !== address.family)
      return say('a server of the other address family cannot stand in this virtual');
    const isReset =
      real.method !== 'masq' && address.kind === 'address' && real.port !== 0 && real.port !== port;
    if (isReset)
      book.approximated(
        statement.span,
        quoteStatement(statement),
        `ldirectord.cf: real with port ${port}: without NAT the port cannot change, and keepalived resets it too`,
      );
    const own = {...server, real: {...real, port: isReset ? port : real.port}};
    const key = `${own.real.address} ${own.real.port || port}`;
    if (seen.has(key)) return say('the same server again: keepalived keeps the first too');
    seen.add(key);
    return [own];
  });
  const checked = fit.map((server): CheckedServer => ({
    statement: server.statement,
    address: server.real.address,
    port: server.real.port || port,
    checkers: server.checkers,
  }));
  const name = address.kind === 'address' ? `${address.address}-${address.port}` : `${address.mark}`;
  const merged = mergeChecks(checked, settings, `check-${fileWord(name)}-${suffix}`, tools.scripts, tools);
  const reals = fit.map((server, at): ImportedReal => {
    const one = checked[at];
    const page = one && merged.pages?.get(one);
    return {...server.real, ...(page ? {request: page.request, receive: page.receive} : {})};
  });
  return {reals, check: merged.check};
}

function takeScheduler(block: Block, {reporter, book}: Tools): string {
  const statement = block.last('lvs_sched', 'lb_algo');
  const name = argumentOf(statement);
  if (!statement) return 'wlc';
  if (!/^[a-z]+$/.test(name))
    reporter.error(
      'bad-value',
      statement.words[1]?.span ?? statement.span,
      `"${name}" is not a scheduler`,
      'rr, wrr, lc, wlc, lblc, sh, mh, dh, fo, ovf, lblcr, sed, nq, twos',
    );
  else book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: scheduler');
  return /^[a-z]+$/.test(name) ? name : 'wlc';
}

function takeFamily(block: Block, tools: Tools): 4 | 6 | undefined {
  const statement = block.last('ip_family');
  if (!statement) return undefined;
  const word = argumentOf(statement);
  if (word !== 'inet' && word !== 'inet6')
    tools.reporter.error(
      'bad-value',
      statement.words[1]?.span ?? statement.span,
      `"${word}" is not an address family`,
      'inet or inet6',
    );
  else tools.book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: virtual or virtual6');
  return word === 'inet6' ? 6 : 4;
}

function takePersistence(block: Block, family: 4 | 6, tools: Tools): {persistent?: number; netmask?: string} {
  const {reporter, book} = tools;
  const [timeout, granularity] = [block.last('persistence_timeout'), block.last('persistence_granularity')];
  const seconds =
    timeout && timeout.words.length === 1 ? PERSISTENCE : numberOf(timeout, 0, 2 ** 31 - 1, tools);
  if (timeout)
    book.exact(
      timeout.span,
      quoteStatement(timeout),
      seconds === 0 ? 'not persistent' : 'ldirectord.cf: persistent',
    );
  const mask = argumentOf(granularity);
  const isMask =
    family === 4
      ? ipv4(mask) !== undefined && prefixLength(mask, 4) !== undefined
      : wholeNumber(mask, 1, 128) !== undefined;
  if (granularity)
    if (!isMask)
      reporter.error(
        'bad-value',
        granularity.words[1]?.span ?? granularity.span,
        `"${mask}" is not a granularity`,
        family === 4 ? 'a netmask, 255.255.255.0' : 'a prefix length from 1 to 128',
      );
    else book.exact(granularity.span, quoteStatement(granularity), 'ldirectord.cf: netmask');
  const netmask = granularity && isMask ? {netmask: mask} : {};
  if (seconds === undefined || seconds === 0)
    return seconds === undefined && granularity && isMask ? {persistent: PERSISTENCE, ...netmask} : {};
  return {persistent: seconds, ...netmask};
}

function takeSorry(block: Block, otherwise: ForwardMethod, tools: Tools): ImportedVirtual['fallback'] {
  const {reporter, book} = tools;
  const statement = block.last('sorry_server');
  const method = takeMethod(block.last('sorry_server_lvs_method'), otherwise, tools) ?? otherwise;
  if (!statement) return undefined;
  const address = canonical(argumentOf(statement));
  const port = takePort(statement, 2, tools);
  if (address === undefined) {
    reporter.error(
      'bad-address',
      statement.words[1]?.span ?? statement.span,
      `"${argumentOf(statement)}" is not an address`,
      'write sorry_server ADDRESS PORT',
    );
    return undefined;
  }
  book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: fallback');
  return {address, port: port ?? 0, method};
}

function takeQuorum(block: Block, tools: Tools): void {
  const statement = block.last('quorum');
  const quorum = numberOf(statement, 1, 2 ** 31 - 1, tools);
  if (statement)
    if (quorum === 1)
      tools.book.exact(statement.span, quoteStatement(statement), 'the fallback serves when no server is up');
    else
      tools.book.not(
        statement.span,
        quoteStatement(statement),
        'the fallback serves when no server is up; ha.cf: hactl_quorum sets a quorum of servers (not of weights) for all virtuals',
      );
}
