/** virtual_server of keepalived.conf, with what keepalived 2.2.7 puts right by itself. Pure. */
import {ipv4, prefixLength} from '../addresses.ts';
import type {ForwardMethod, VirtualAddress} from '../model.ts';
import type {ImportedReal, ImportedScript, ImportedVirtual} from './imported.ts';
import {
  argumentOf,
  blockOf,
  ignored,
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
  familyOf,
  portAt,
  serious,
  serverAddress,
  takeMethod,
  takeReal,
  unused,
  type TakenReal,
} from './keepalived-real.ts';
import {fileWord, notebook, wholeNumber, type Notebook} from './words.ts';

export interface VirtualTools extends HeadTools {
  readonly scripts: ImportedScript[];
  /** Addresses of services above. */
  readonly seen: Set<string>;
}

const flags = ['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'];
/** What keepalived takes for `persistence_timeout` without a number. */
const PERSISTENCE = 360;
/** keepalived's limit: 31 days. */
const PERSISTENCE_MOST = 2_678_400;

export function takeVirtualServers(statement: Statement, outer: VirtualTools): ImportedVirtual[] {
  const book = notebook();
  const tools = {...outer, book};
  const block = blockOf(statement.block ?? [], tools);
  const drop = (reason: string, serious = false, servers: readonly TakenReal[] = []): [] => {
    for (const server of servers) takeNotes(server, book);
    outer.book.take(book.notes, `its virtual_server is left out: ${reason}`);
    outer.book[serious ? 'lost' : 'not'](
      statement.span,
      quoteStatement(statement),
      `${reason}: the whole service is left out`,
    );
    return [];
  };
  const protocolStatement = block.last('protocol');
  const isMark = argumentOf(statement) === 'fwmark';
  const written = argumentOf(protocolStatement).toLowerCase();
  const isProtocol = ['tcp', 'udp', 'sctp', ''].includes(written);
  if (!isProtocol)
    ignored(
      protocolStatement?.words[1] ?? statement,
      'bad-value',
      `unknown protocol "${argumentOf(protocolStatement)}": keepalived ignores it`,
      'the import does too; TCP, UDP or SCTP',
      tools,
    );
  // Without a protocol keepalived (2.2.7) programs udp; a firewall mark has none.
  const protocol = isProtocol && written !== '' ? written : isMark ? 'tcp' : 'udp';
  const heads = takeHeads(statement, protocol === 'udp' ? 'udp' : 'tcp', tools);
  if (protocolStatement)
    if (!isProtocol)
      book.not(
        protocolStatement.span,
        quoteStatement(protocolStatement),
        'no protocol: keepalived ignores it too',
      );
    else if (isMark)
      book.approximated(
        protocolStatement.span,
        quoteStatement(protocolStatement),
        'a firewall mark has no protocol: ldirectord.cf: protocol=fwm',
      );
    else book.exact(protocolStatement.span, quoteStatement(protocolStatement), 'ldirectord.cf: protocol');
  const settings = inherit(block, {}, tools);
  const method = takeMethod(block.last('lvs_method', 'lb_kind'), undefined, tools);
  const scheduler = takeScheduler(block, tools);
  const schedFlags = block.all(...flags);
  for (const flag of schedFlags) book.exact(flag.span, quoteStatement(flag), 'ldirectord.cf: schedflags');
  const ops = block.last('ops');
  // Of a virtual_server the name alone counts, whatever stands behind it.
  const quietLine = block.last('inhibit_on_failure');
  if (quietLine) book.exact(quietLine.span, quoteStatement(quietLine), 'ldirectord.cf: quiescent');
  const isQuiet = quietLine !== undefined;
  const family = takeFamily(block, tools);
  const sorry = takeSorry(block, method ?? 'masq', tools);
  takeQuorum(block, tools);
  const weightLine = block.last('weight');
  const weight = numberOf(weightLine, 1, 2 ** 31 - 1, tools) ?? 1;
  if (weightLine)
    book.exact(weightLine.span, quoteStatement(weightLine), 'the weight of servers without their own');
  const servers = block
    .all('real_server')
    .flatMap((real) => takeReal(real, {method: method ?? 'masq', settings, isQuiet, weight}, tools) ?? []);
  const serverFamily = familyOf(servers[0]?.real.address ?? '');
  const persistence = takePersistence(block, family ?? serverFamily, tools);
  block.finish(unused, 'keepalived knows no such word either, or hactl does not', serious);
  if (protocol === 'sctp') return drop('ldirectord.cf knows tcp and udp, not sctp', true, servers);
  if (heads.length === 0)
    return drop('it has no address that can be read, as keepalived says', false, servers);
  if (servers.length === 0) return drop('it has no real server, and keepalived leaves it out too');
  const maskFamily = persistence.netmask === undefined ? undefined : (family ?? serverFamily);
  const masked = heads.filter((head) => {
    if (head.kind !== 'address' || maskFamily === undefined || head.family === maskFamily) return true;
    book.lost(
      statement.span,
      `${nameOf(statement)} ${head.address}`,
      'its granularity is of the other address family: the kernel refuses the service, keepalived’s too',
    );
    return false;
  });
  const fresh = masked.filter((head) => {
    const key = JSON.stringify(head.kind === 'address' ? head : {...head, isFixed: false});
    const isNew = !outer.seen.has(key);
    outer.seen.add(key);
    return isNew;
  });
  if (fresh.length === 0)
    return drop('a service with this address, port and protocol is there already', false, servers);
  if (fresh.length < masked.length)
    book.not(
      statement.span,
      quoteStatement(statement),
      'some of its addresses are in a service above already',
    );
  noteServers(statement, servers, isQuiet, tools);
  if (protocolStatement === undefined && heads.some((head) => head.kind === 'address'))
    tools.reporter.add(
      'warning',
      'missing-value',
      statement.span,
      'no protocol is set: keepalived programs udp, and so does the import',
      'write protocol TCP if tcp is meant',
    );
  const kept = new Set<TakenReal>();
  // Every port of an address: the kernel wants such a service persistent, and keepalived sets it, for the whole group.
  const isAnyPort = heads.some((head) => head.kind === 'address' && head.port === 0);
  const virtuals = fresh.map((head): ImportedVirtual => {
    const address: VirtualAddress =
      head.kind === 'address'
        ? head
        : {kind: 'fwmark', family: head.isFixed ? head.family : (family ?? serverFamily), mark: head.mark};
    const suffix = address.kind === 'address' ? address.protocol : 'mark';
    return {
      span: statement.span,
      address,
      ...takeServersOf(statement, address, suffix, servers, {settings, kept}, tools),
      ...takeFallback(sorry, address, statement, tools),
      scheduler,
      ...(schedFlags.length === 0 ? {} : {schedFlags: schedFlags.map(nameOf).join(',')}),
      ...(isAnyPort ? {persistent: PERSISTENCE, ...persistence} : persistence),
      ops: takeOps(ops, address, tools),
      quiescent: servers.some((server) => server.isQuiet),
    };
  });
  for (const server of servers)
    if (kept.has(server)) book.take(server.book.notes);
    else takeNotes(server, book, 'its real_server is left out');
  outer.book.take(book.notes);
  return virtuals;
}

/** All that was said of a server and its checkers. */
function takeNotes(server: TakenReal, book: Notebook, dropped?: string): void {
  book.take(server.book.notes, dropped);
  for (const checker of server.checkers) {
    book.take(checker.book.notes, dropped);
    book.not(checker.statement.span, checker.kind, dropped ?? 'its real_server is left out');
  }
}

function noteServers(
  statement: Statement,
  servers: readonly TakenReal[],
  isQuiet: boolean,
  {book}: Tools,
): void {
  const quiet = servers.filter((server) => server.isQuiet);
  if (quiet.length > 0 && quiet.length < servers.length)
    book.changed(
      statement.span,
      quoteStatement(statement),
      `${quiet.length} of ${servers.length} servers have inhibit_on_failure${isQuiet ? ' (as the virtual)' : ''}: quiescent=yes for all`,
    );
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
  if (familyOf(sorry.address) === address.family) {
    const isReset =
      sorry.method !== 'masq' &&
      address.kind === 'address' &&
      sorry.port !== 0 &&
      sorry.port !== address.port;
    if (isReset)
      book.approximated(
        statement.span,
        `sorry_server ${sorry.address} ${sorry.port}`,
        `ldirectord.cf: fallback with port ${address.port}: without NAT the port cannot change, and keepalived resets it too`,
      );
    return {fallback: isReset ? {...sorry, port: address.port} : sorry};
  }
  book.lost(
    statement.span,
    `sorry_server ${sorry.address}`,
    'a server of the other address family cannot stand in this virtual',
  );
  return {};
}

/** The servers that can stand in a virtual with this address, and their check. */
function takeServersOf(
  parent: Statement,
  address: VirtualAddress,
  suffix: string,
  servers: readonly TakenReal[],
  {settings, kept}: {readonly settings: Inherited; readonly kept: Set<TakenReal>},
  tools: VirtualTools,
): Pick<ImportedVirtual, 'reals' | 'check' | 'isDynamic'> {
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
    kept.add(server);
    return [own];
  });
  const checked = fit.map((server): CheckedServer => ({
    statement: server.statement,
    address: server.real.address,
    port: server.real.port || port,
    checkers: server.checkers,
  }));
  const name = address.kind === 'address' ? `${address.address}-${address.port}` : `${address.mark}`;
  const merged = mergeChecks(
    checked,
    settings,
    {
      name: `check-${fileWord(name)}-${suffix}`,
      statement: parent,
      isUdp: address.kind === 'address' && address.protocol === 'udp',
    },
    tools.scripts,
    tools,
  );
  const reals = fit.map((server, index): ImportedReal => {
    const place = checked[index];
    const page = place && merged.pages.get(place);
    const check = place && merged.own.get(place);
    return {
      ...server.real,
      ...(page ? {request: page.request, receive: page.receive} : {}),
      ...(check ? {check} : {}),
    };
  });
  return {reals, check: merged.check, isDynamic: merged.isDynamic};
}

const schedulers: ReadonlySet<string> = new Set([
  'rr', 'wrr', 'lc', 'wlc', 'lblc', 'sh', 'mh', 'dh', 'fo', 'ovf', 'lblcr', 'sed', 'nq', 'twos',
]); // prettier-ignore

function takeScheduler(block: Block, tools: Tools): string {
  const statement = block.last('lvs_sched', 'lb_algo');
  const name = argumentOf(statement);
  if (!statement) return 'wlc';
  if (schedulers.has(name)) {
    tools.book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: scheduler');
    return name;
  }
  ignored(
    statement.words[1] ?? statement,
    'bad-value',
    `"${name}" is not a scheduler: keepalived ignores the line, the default is wlc`,
    `the import writes wlc too; ${[...schedulers].join(', ')}`,
    tools,
  );
  tools.book.changed(
    statement.span,
    quoteStatement(statement),
    'no scheduler to keepalived, which uses wlc; so does the import',
  );
  return 'wlc';
}

function takeFamily(block: Block, tools: Tools): 4 | 6 | undefined {
  const statement = block.last('ip_family');
  if (!statement) return undefined;
  const word = argumentOf(statement);
  if (word === 'inet' || word === 'inet6') {
    tools.book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: virtual or virtual6');
    return word === 'inet6' ? 6 : 4;
  }
  ignored(
    statement.words[1] ?? statement,
    'bad-value',
    `"${word}" is not an address family: keepalived ignores the line`,
    'the import does too; inet or inet6',
    tools,
  );
  tools.book.not(statement.span, quoteStatement(statement), 'no family: keepalived ignores it too');
  return undefined;
}

function takePersistence(block: Block, family: 4 | 6, tools: Tools): {persistent?: number; netmask?: string} {
  const {book} = tools;
  const [timeout, granularity] = [block.last('persistence_timeout'), block.last('persistence_granularity')];
  const seconds =
    timeout && timeout.words.length === 1 ? PERSISTENCE : numberOf(timeout, 0, PERSISTENCE_MOST, tools, true);
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
  if (granularity && isMask)
    book.exact(granularity.span, quoteStatement(granularity), 'ldirectord.cf: netmask');
  else if (granularity) {
    ignored(
      granularity.words[1] ?? granularity,
      'bad-value',
      `"${mask}" is not a granularity: keepalived ignores the line`,
      `the import does too; ${family === 4 ? 'a netmask, 255.255.255.0' : 'a prefix length from 1 to 128'}`,
      tools,
    );
    book.not(granularity.span, quoteStatement(granularity), 'no netmask: keepalived ignores it too');
  }
  const netmask = granularity && isMask ? {netmask: mask} : {};
  if (seconds === undefined || seconds === 0)
    return seconds === undefined && granularity && isMask ? {persistent: PERSISTENCE, ...netmask} : {};
  return {persistent: seconds, ...netmask};
}

function takeSorry(block: Block, otherwise: ForwardMethod, tools: Tools): ImportedVirtual['fallback'] {
  const {book} = tools;
  const statement = block.last('sorry_server');
  const method = takeMethod(block.last('sorry_server_lvs_method'), otherwise, tools) ?? otherwise;
  if (!statement) return undefined;
  const address = serverAddress(argumentOf(statement));
  const port = portAt(statement, 2);
  if (address === undefined || port === undefined) {
    ignored(
      statement.words[1] ?? statement,
      'bad-address',
      `"${argumentOf(statement)} ${argumentOf(statement, 2)}" is not an address and a port: keepalived has no sorry server then`,
      'the import has none either; write sorry_server ADDRESS PORT',
      tools,
    );
    book.not(statement.span, quoteStatement(statement), 'no address and port: keepalived ignores it too');
    return undefined;
  }
  book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: fallback');
  return {address, port, method};
}

function takeQuorum(block: Block, tools: Tools): void {
  const statement = block.last('quorum');
  if (!statement) return;
  const quorum = numberOf(statement, 1, 2 ** 31 - 1, tools) ?? 1;
  if (quorum === 1)
    tools.book.exact(statement.span, quoteStatement(statement), 'the fallback serves when no server is up');
  else
    tools.book.lost(
      statement.span,
      quoteStatement(statement),
      'the fallback serves when no server is up; ha.cf: hactl_quorum sets a quorum of servers (not of weights) for all virtuals',
    );
}
