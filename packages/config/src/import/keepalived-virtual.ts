/** virtual_server of keepalived.conf, with the corrections that keepalived 2.2.7 makes by itself. Pure. */
import type {VirtualAddress} from '../model.ts';
import type {ImportedReal, ImportedScript, ImportedVirtual} from './imported.ts';
import {
  argumentOf,
  blockOf,
  lastReadable,
  nameOf,
  numberOf,
  quoteStatement,
  type Tools,
} from './keepalived-block.ts';
import {inherit, type Inherited} from './keepalived-checker.ts';
import {mergeChecks, type CheckedServer} from './keepalived-checks.ts';
import {parseHeads, type HeadTools} from './keepalived-heads.ts';
import type {Statement} from './keepalived-lines.ts';
import {parseFamily, parseMethods} from './keepalived-methods.ts';
import {familyOf, serious, parseReal, unused, type ParsedReal} from './keepalived-real.ts';
import {DELAY_LOOP} from './keepalived-times.ts';
import {
  PERSISTENCE,
  parseFlags,
  parseOps,
  parsePersistence,
  parseProtocol,
  parseQuorum,
  parseScheduler,
  parseSorry,
} from './keepalived-virtual-settings.ts';
import {fileWord, newNotes, type Notes} from './words.ts';

export interface VirtualTools extends HeadTools {
  readonly scripts: ImportedScript[];
  /** Addresses of the services above. */
  readonly seen: Set<string>;
}

const NO_SCTP = 'ldirectord.cf supports tcp and udp, not sctp';

export function parseVirtualServers(statement: Statement, outer: VirtualTools): ImportedVirtual[] {
  const notes = newNotes();
  const tools = {...outer, notes};
  const block = blockOf(statement.block ?? [], tools);
  const drop = (reason: string, serious = false, servers: readonly ParsedReal[] = []): [] => {
    for (const server of servers) addNotes(server, notes);
    outer.notes.addAll(notes.list, `its virtual_server is left out: ${reason}`);
    outer.notes[serious ? 'lost' : 'omitted'](
      statement.span,
      quoteStatement(statement),
      `${reason}: the whole service is left out`,
    );
    return [];
  };
  const {protocol, isWritten, note} = parseProtocol(block, statement, tools);
  const all = parseHeads(statement, protocol === 'udp' ? 'udp' : 'tcp', tools);
  // A firewall mark has no protocol, regardless of the file.
  const isSctp = protocol === 'sctp' && all.some((head) => head.kind === 'address');
  const heads = isSctp ? all.filter((head) => head.kind === 'fwmark') : all;
  note();
  const inherited = inherit(block, {}, tools);
  const settings = {...inherited, scriptLimit: inherited.delayLoop ?? DELAY_LOOP};
  const methods = parseMethods(block, tools);
  const scheduler = parseScheduler(block, tools);
  const schedFlags = parseFlags(block, tools);
  const ops = block.last('ops');
  // In a virtual_server the name alone sets it; keepalived ignores a value.
  const quietLine = block.last('inhibit_on_failure');
  if (quietLine) notes.exact(quietLine.span, quoteStatement(quietLine), 'ldirectord.cf: quiescent');
  const isQuiet = quietLine !== undefined;
  const [first] = heads;
  const single = argumentOf(statement) !== 'group' && first?.kind === 'address' ? first.family : undefined;
  const family = parseFamily(block, single, methods, tools);
  const sorry = parseSorry(block, methods, tools);
  parseQuorum(block, tools);
  const weightLine = lastReadable(block, ['weight'], (line) => numberOf(line, 1, 2 ** 31 - 1, tools), tools);
  const weight = weightLine?.value ?? 1;
  if (weightLine)
    notes.exact(weightLine.line.span, quoteStatement(weightLine.line), 'the default weight of its servers');
  const servers = block
    .all('real_server')
    .flatMap((real) => parseReal(real, {method: methods.at(real), settings, isQuiet, weight}, tools) ?? []);
  const families = new Set(servers.map(({real}) => familyOf(real.address)));
  // A mark whose servers are all reached by tunnels: their family, IPv4 if they have both.
  const serverFamily = families.size === 1 && families.has(6) ? 6 : 4;
  const persistence = parsePersistence(block, family ?? serverFamily, tools);
  block.finish(unused, 'not a keyword of keepalived, or not supported by hactl', serious);
  if (isSctp && heads.length === 0) return drop(NO_SCTP, true, servers);
  if (isSctp) notes.lost(statement.span, quoteStatement(statement), `${NO_SCTP}: its addresses are left out`);
  if (heads.length === 0) return drop('it has no valid address, for keepalived too', false, servers);
  if (servers.length === 0) return drop('it has no real server, keepalived leaves it out too');
  const maskFamily = persistence.netmask === undefined ? undefined : (family ?? serverFamily);
  const masked = heads.filter((head) => {
    const isSure = head.kind === 'address' || head.isFixed;
    if (!isSure || maskFamily === undefined || head.family === maskFamily) return true;
    notes.lost(
      statement.span,
      `${nameOf(statement)} ${head.kind === 'address' ? head.address : `fwmark ${head.mark}`}`,
      'its granularity is of the other address family: the kernel refuses the service, in keepalived too',
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
    return drop('a service with this address, port and protocol is defined above', false, servers);
  if (fresh.length < masked.length)
    notes.omitted(statement.span, quoteStatement(statement), 'some of its addresses are in a service above');
  noteServers(statement, servers, isQuiet, tools);
  if (!isWritten && heads.some((head) => head.kind === 'address'))
    tools.reporter.add(
      'warning',
      'missing-value',
      statement.span,
      'no protocol is set: keepalived uses udp, and so does the import',
      'write protocol TCP if tcp is intended',
    );
  const kept = new Set<ParsedReal>();
  // Port 0 (any port): the kernel requires persistence, and keepalived sets it for the whole group.
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
      ...serversFor(statement, address, suffix, servers, {settings, kept}, tools),
      ...fallbackFor(sorry, address, statement, tools),
      scheduler,
      ...(schedFlags === undefined ? {} : {schedFlags}),
      ...(isAnyPort ? {persistent: PERSISTENCE, ...persistence} : persistence),
      ops: parseOps(ops, address, tools),
      quiescent: [...kept].some((server) => server.isQuiet),
    };
  });
  for (const server of servers)
    if (kept.has(server)) notes.addAll(server.notes.list);
    else addNotes(server, notes, 'its real_server is left out');
  outer.notes.addAll(notes.list);
  return virtuals;
}

/** Adds the notes about a server and its checkers. */
function addNotes(server: ParsedReal, notes: Notes, dropped?: string): void {
  notes.addAll(server.notes.list, dropped);
  for (const checker of server.checkers) {
    notes.addAll(checker.notes.list, dropped);
    notes.omitted(checker.statement.span, checker.kind, dropped ?? 'its real_server is left out');
  }
}

function noteServers(
  statement: Statement,
  servers: readonly ParsedReal[],
  isQuiet: boolean,
  {notes}: Tools,
): void {
  const quiet = servers.filter((server) => server.isQuiet);
  if (quiet.length > 0 && quiet.length < servers.length)
    notes.changed(
      statement.span,
      quoteStatement(statement),
      `${quiet.length} of ${servers.length} servers have inhibit_on_failure${isQuiet ? ' (as the service)' : ''}: quiescent=yes for all`,
    );
}

function fallbackFor(
  sorry: ImportedVirtual['fallback'],
  address: VirtualAddress,
  statement: Statement,
  {notes}: Tools,
): {fallback?: NonNullable<ImportedVirtual['fallback']>} {
  if (!sorry) return {};
  if (familyOf(sorry.address) === address.family) {
    const port = address.kind === 'address' ? address.port : 0;
    const isReset = sorry.method !== 'masq' && sorry.port !== 0 && sorry.port !== port;
    if (isReset)
      notes.approximated(
        statement.span,
        `sorry_server ${sorry.address} ${sorry.port}`,
        `ldirectord.cf: fallback ${withoutNat(port)}`,
      );
    return {fallback: isReset ? {...sorry, port} : sorry};
  }
  notes.lost(
    statement.span,
    `sorry_server ${sorry.address}`,
    'a server of the other address family cannot be in this virtual service',
  );
  return {};
}

/** The note about a reset port; a firewall mark has no port. */
const withoutNat = (port: number): string =>
  `${port === 0 ? 'without a port' : `with port ${port}`}: without NAT the port cannot change, and keepalived resets it too`;

/** The servers that fit a service with this address, and their check. */
function serversFor(
  parent: Statement,
  address: VirtualAddress,
  suffix: string,
  servers: readonly ParsedReal[],
  {settings, kept}: {readonly settings: Inherited; readonly kept: Set<ParsedReal>},
  tools: VirtualTools,
): Pick<ImportedVirtual, 'reals' | 'check' | 'isDynamic'> {
  const {notes} = tools;
  const port = address.kind === 'address' ? address.port : 0;
  const seen = new Set<string>();
  const fit = servers.flatMap((server) => {
    const {statement, real} = server;
    const omit = (reason: string): [] => {
      notes.omitted(statement.span, quoteStatement(statement), reason);
      return [];
    };
    if (familyOf(real.address) !== address.family) {
      const reason = 'a server of the other address family cannot be in this virtual service';
      // In keepalived it can through a tunnel: then the server is missing after the switch.
      if (real.method !== 'ipip') return omit(`${reason}, nor in keepalived`);
      notes.lost(statement.span, quoteStatement(statement), `${reason}; keepalived tunnels to it`);
      return [];
    }
    const isReset = real.method !== 'masq' && real.port !== 0 && real.port !== port;
    if (isReset)
      notes.approximated(
        statement.span,
        quoteStatement(statement),
        `ldirectord.cf: real ${withoutNat(port)}`,
      );
    const fitted = {...server, written: real.port, real: {...real, port: isReset ? port : real.port}};
    // keepalived looks for duplicates before it resets ports; the kernel refuses duplicates that result from the reset.
    const keys = [`written ${real.address} ${real.port}`, `${real.address} ${fitted.real.port || port}`];
    if (keys.some((key) => seen.has(key))) return omit('duplicate server: keepalived keeps the first too');
    for (const key of keys) seen.add(key);
    kept.add(server);
    return [fitted];
  });
  const checked = fit.map((server): CheckedServer => ({
    statement: server.statement,
    address: server.real.address,
    port: server.real.port || port,
    written: server.written,
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
    const checkedServer = checked[index];
    const page = checkedServer && merged.pages.get(checkedServer);
    const check = checkedServer && merged.perServer.get(checkedServer);
    return {
      ...server.real,
      ...(page ? {request: page.request, receive: page.receive} : {}),
      ...(check ? {check} : {}),
    };
  });
  return {reals, check: merged.check, isDynamic: merged.isDynamic};
}
