/** virtual_server, virtual_server_group and real_server of keepalived.conf. Pure. */
import ipaddr from 'ipaddr.js';
import {addressRange, ipv4, ipv6, portNumber, prefixLength} from '../addresses.ts';
import type {ForwardMethod, VirtualAddress} from '../model.ts';
import type {ImportedReal, ImportedScript, ImportedVirtual} from './imported.ts';
import {
  argumentOf,
  argumentsOf,
  blockOf,
  flagOf,
  nameOf,
  numberOf,
  quoteStatement,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import {inherit, mergeChecks, takeCheckers, type CheckedServer, type Inherited} from './keepalived-checks.ts';
import type {Statement} from './keepalived-lines.ts';
import {fileWord, wholeNumber} from './words.ts';

export interface VirtualTools extends Tools {
  readonly scripts: ImportedScript[];
  readonly groups: ReadonlyMap<string, Statement>;
}

const methods: Readonly<Record<string, ForwardMethod>> = {NAT: 'masq', DR: 'gate', TUN: 'ipip'};
const flags = ['flag-1', 'flag-2', 'flag-3', 'sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'];
/** What keepalived takes for `persistence_timeout` without a number. */
const PERSISTENCE = 360;

const unused: Readonly<Record<string, string>> = {
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

const canonical = (text: string): string | undefined => ipv4(text) ?? ipv6(text);
const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);

function takePort(statement: Statement, at: number, {reporter}: Tools): number | undefined {
  const word = statement.words[at];
  if (!word) return 0;
  const port = portNumber(word.text);
  if (port === undefined)
    reporter.error('bad-port', word.span, `"${word.text}" is not a port`, 'a number from 1 to 65535');
  return port;
}

/** NAT, DR or TUN, with the tunnel's type. */
function takeMethod(
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

export function takeVirtualServers(statement: Statement, tools: VirtualTools): ImportedVirtual[] {
  const {book} = tools;
  const block = blockOf(statement.block ?? [], tools);
  const protocolStatement = block.last('protocol');
  const protocolName = argumentOf(protocolStatement).toLowerCase() || 'tcp';
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
  if (ops) book.exact(ops.span, quoteStatement(ops), 'ldirectord.cf: ops');
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

  return heads.flatMap((head) => {
    const address: VirtualAddress =
      head.kind === 'fwmark'
        ? {...head, family: head.isFixed ? head.family : (family ?? familyOf(servers[0]?.real.address ?? ''))}
        : head;
    const port = address.kind === 'address' ? address.port : 0;
    const fit = servers.filter((server) => {
      const fits = familyOf(server.real.address) === address.family;
      if (!fits)
        book.not(
          server.statement.span,
          quoteStatement(server.statement),
          'a server of the other address family cannot stand in this virtual',
        );
      return fits;
    });
    const checked = fit.map((server): CheckedServer => ({
      statement: server.statement,
      address: server.real.address,
      port: server.real.port || port,
      checkers: server.checkers,
    }));
    const name = address.kind === 'address' ? `${address.address}-${address.port}` : `mark-${address.mark}`;
    const merged = mergeChecks(
      checked,
      settings,
      `check-${fileWord(name)}-${protocolName}`,
      tools.scripts,
      tools,
    );
    const reals = fit.map((server, at): ImportedReal => {
      const one = checked[at];
      const page = one && merged.pages?.get(one);
      return {...server.real, ...(page ? {request: page.request, receive: page.receive} : {})};
    });
    const fallback = sorry && familyOf(sorry.address) === address.family ? sorry : undefined;
    if (sorry && !fallback)
      book.not(
        statement.span,
        `sorry_server ${sorry.address}`,
        'a server of the other address family cannot stand in this virtual',
      );
    return [
      {
        span: statement.span,
        address:
          address.kind === 'fwmark' ? {kind: 'fwmark', family: address.family, mark: address.mark} : address,
        reals,
        ...(fallback ? {fallback} : {}),
        check: merged.check,
        scheduler,
        ...(schedFlags.length === 0 ? {} : {schedFlags: schedFlags.map(nameOf).join(',')}),
        ...persistence,
        ops: ops !== undefined,
        quiescent: quiet.length > 0,
        alerts: true,
      } satisfies ImportedVirtual,
    ];
  });
}

type Head =
  | Extract<VirtualAddress, {kind: 'address'}>
  | (Extract<VirtualAddress, {kind: 'fwmark'}> & {readonly isFixed: boolean});

/** `virtual_server ADDRESS PORT`, `fwmark N`, or `group NAME` with all its entries. */
function takeHeads(statement: Statement, protocol: 'tcp' | 'udp', tools: VirtualTools): Head[] {
  const {reporter, book, groups} = tools;
  const [first = '', second = ''] = argumentsOf(statement);
  if (first === 'group') {
    const group = groups.get(second);
    if (!group) {
      reporter.error(
        'unresolved-name',
        statement.words[2]?.span ?? statement.span,
        `there is no virtual_server_group ${second}`,
        'add the group, or name the address here',
      );
      return [];
    }
    book.exact(
      statement.span,
      quoteStatement(statement),
      'ldirectord.cf: one virtual service for each entry of the group',
    );
    return (group.block ?? []).flatMap((line) => takeEntry(line, 0, protocol, tools));
  }
  const heads = takeEntry(statement, 1, protocol, tools);
  book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: a virtual service');
  return heads;
}

function takeEntry(line: Statement, at: number, protocol: 'tcp' | 'udp', tools: Tools): Head[] {
  const {reporter, book} = tools;
  const words = line.words.slice(at);
  const [first, second, third] = words;
  const complain = (message: string, help: string): [] => {
    reporter.error('bad-address', first?.span ?? line.span, message, help);
    return [];
  };
  if (first?.text === 'fwmark') {
    const mark = wholeNumber(second?.text ?? '', 1, 2 ** 32 - 1);
    if (mark === undefined)
      return complain(`"${second?.text ?? ''}" is not a firewall mark`, 'write fwmark NUMBER');
    if (at === 0) book.exact(line.span, quoteStatement(line), 'ldirectord.cf: virtual= with the mark');
    const isFixed = third?.text === 'inet6' || third?.text === 'inet';
    return [{kind: 'fwmark', family: third?.text === 'inet6' ? 6 : 4, mark, isFixed}];
  }
  const port = takePort(line, at + 1, tools);
  if (port === undefined) return [];
  const addresses = rangeOf(first?.text ?? '');
  if (!addresses)
    return complain(
      `"${first?.text ?? ''}" is neither an address nor a range of addresses`,
      'write virtual_server ADDRESS PORT, fwmark NUMBER or group NAME',
    );
  if (at === 0)
    book.exact(
      line.span,
      quoteStatement(line),
      addresses.length === 1
        ? 'ldirectord.cf: a virtual service'
        : `ldirectord.cf: ${addresses.length} virtual services`,
    );
  return addresses.map((address) => ({kind: 'address', family: familyOf(address), address, port, protocol}));
}

/** More virtual services than a file for people should have. */
const RANGE = 4_096;

/** An address, `A-LAST`, `A-B` or `A/LENGTH`. */
function rangeOf(text: string): string[] | undefined {
  const one = canonical(text);
  if (one !== undefined) return [one];
  const net = /^([\da-f.:]+)\/(\d+)$/i.exec(text);
  if (net) {
    const address = canonical(net[1] ?? '');
    const length = address === undefined ? undefined : prefixLength(net[2] ?? '', familyOf(address));
    if (address === undefined || length === undefined) return undefined;
    const size = 2 ** ((familyOf(address) === 4 ? 32 : 128) - length);
    // As keepalived counts: from the address that is written to the end of the network.
    return size > RANGE ? undefined : countUp(address, size - (lowBits(address) % size));
  }
  const range = /^(.+)-([\da-f.:]+)$/i.exec(text);
  const first = canonical(range?.[1] ?? '');
  if (!range || first === undefined) return undefined;
  const last = range[2] ?? '';
  if (familyOf(first) === 4) {
    const end =
      ipv4(last) ?? (/^\d{1,3}$/.test(last) ? ipv4(first.replace(/\d+$/, String(Number(last)))) : undefined);
    const all = end === undefined ? undefined : addressRange(first, end);
    return all && all.length <= RANGE ? all : undefined;
  }
  const end =
    ipv6(last) === undefined
      ? /^[\da-f]{1,4}$/i.test(last)
        ? Number.parseInt(last, 16)
        : undefined
      : lowBits(ipv6(last) ?? first);
  const count = end === undefined ? 0 : end - lowBits(first) + 1;
  return count > 0 && count <= RANGE ? countUp(first, count) : undefined;
}

/** The last sixteen bits of an address. */
const lowBits = (address: string): number => {
  const bytes = ipaddr.parse(address).toByteArray();
  return (bytes.at(-2) ?? 0) * 256 + (bytes.at(-1) ?? 0);
};

const countUp = (address: string, count: number): string[] =>
  Array.from({length: count}, (_, at) => {
    const bytes = ipaddr.parse(address).toByteArray();
    for (let place = bytes.length - 1, carry = at; place >= 0 && carry > 0; place -= 1) {
      const sum = (bytes[place] ?? 0) + carry;
      bytes[place] = sum & 255;
      carry = sum >> 8;
    }
    const text = ipaddr.fromByteArray(bytes).toString();
    return ipv6(text) ?? text;
  });

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

function takeFlag(block: Block, name: string, message: string, tools: Tools): boolean | undefined {
  const statement = block.last(name);
  if (statement) tools.book.exact(statement.span, quoteStatement(statement), message);
  return flagOf(statement, tools);
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
        'the fallback serves when no server is up, not below a quorum',
      );
}

interface TakenReal {
  readonly statement: Statement;
  readonly real: ImportedReal;
  readonly isQuiet: boolean;
  readonly checkers: CheckedServer['checkers'];
}

function takeReal(
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
    return numberOf(one, 0, 65_535, tools);
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
