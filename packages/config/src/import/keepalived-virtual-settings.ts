/** The settings of a virtual_server of keepalived.conf. Pure. */
import {ipv4, prefixLength} from '../addresses.ts';
import type {VirtualAddress} from '../model.ts';
import type {ImportedVirtual} from './imported.ts';
import {
  argumentOf,
  ignored,
  lastReadable,
  nameOf,
  numberOf,
  quoteStatement,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import type {Methods} from './keepalived-methods.ts';
import {methodOf, portAt, serverAddress} from './keepalived-real.ts';
import {newNotes, wholeNumber} from './words.ts';

/** keepalived's `persistence_timeout` without a number, in seconds. */
export const PERSISTENCE = 360;
/** keepalived's maximum in seconds: 31 days. */
const PERSISTENCE_MOST = 2_678_400;

/** The protocol of the service; `isWritten`: the file has a protocol line; `note` reports its conversion. */
export function parseProtocol(
  block: Block,
  statement: Statement,
  tools: Tools,
): {readonly protocol: string; readonly isWritten: boolean; readonly note: () => void} {
  const {notes} = tools;
  const found = lastReadable(block, ['protocol'], (line) => protocolOf(line, tools), tools);
  const line = found?.line;
  const isMark = argumentOf(statement) === 'fwmark';
  const note = (): void => {
    if (line && isMark)
      notes.approximated(
        line.span,
        quoteStatement(line),
        'a firewall mark has no protocol: ldirectord.cf: protocol=fwm',
      );
    else if (line) notes.exact(line.span, quoteStatement(line), 'ldirectord.cf: protocol');
  };
  // keepalived 2.2.7 defaults to udp. A firewall mark has no protocol.
  return {protocol: found?.value ?? (isMark ? 'tcp' : 'udp'), isWritten: line !== undefined, note};
}

function protocolOf(line: Statement, tools: Tools): string | undefined {
  const written = argumentOf(line).toLowerCase();
  if (['tcp', 'udp', 'sctp'].includes(written)) return written;
  ignored(
    line.words[1] ?? line,
    'bad-value',
    `unknown protocol "${argumentOf(line)}": keepalived ignores it`,
    'the import does too; write TCP, UDP or SCTP',
    tools,
  );
  return undefined;
}

/** One-packet scheduling: for udp and marks only; keepalived drops it for tcp. */
export function parseOps(statement: Statement | undefined, address: VirtualAddress, {notes}: Tools): boolean {
  if (!statement) return false;
  const isTcp = address.kind === 'address' && address.protocol === 'tcp';
  if (isTcp)
    notes.omitted(statement.span, quoteStatement(statement), 'for udp only: keepalived drops it too');
  else notes.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: ops');
  return !isTcp;
}

const schedulers: ReadonlySet<string> = new Set([
  'rr', 'wrr', 'lc', 'wlc', 'lblc', 'sh', 'mh', 'dh', 'fo', 'ovf', 'lblcr', 'sed', 'nq', 'twos',
]); // prettier-ignore

export function parseScheduler(block: Block, tools: Tools): string {
  const found = lastReadable(block, [...schedulerWords], (line) => schedulerOf(line, tools), tools);
  if (found) tools.notes.exact(found.line.span, quoteStatement(found.line), 'ldirectord.cf: scheduler');
  return found?.value ?? 'wlc';
}

const schedulerWords = ['lvs_sched', 'lb_algo'] as const;

function schedulerOf(line: Statement, tools: Tools): string | undefined {
  const name = argumentOf(line);
  if (schedulers.has(name)) return name;
  ignored(
    line.words[1] ?? line,
    'bad-value',
    `"${name}" is not a scheduler: keepalived ignores the line, the default is wlc`,
    `the import does too; write one of ${[...schedulers].join(', ')}`,
    tools,
  );
  tools.notes.changed(
    line.span,
    quoteStatement(line),
    'not a scheduler for keepalived, which uses the one above or wlc; so does the import',
  );
  return undefined;
}

const isScheduler = (line: Statement): boolean =>
  schedulerWords.some((word) => word === nameOf(line)) && schedulers.has(argumentOf(line));

const plainFlags = ['flag-1', 'flag-2', 'flag-3'];
const ownFlags = ['sh-port', 'sh-fallback', 'mh-port', 'mh-fallback'];

/** Flags of the scheduler. Those of sh and mh apply only below the line of their scheduler. */
export function parseFlags(block: Block, tools: Tools): string | undefined {
  const kept = block.all(...plainFlags, ...ownFlags).flatMap((line) => {
    const name = nameOf(line);
    const above = block.statements.slice(0, block.statements.indexOf(line)).findLast(isScheduler);
    if (plainFlags.includes(name) || name.startsWith(`${argumentOf(above)}-`)) {
      tools.notes.exact(line.span, quoteStatement(line), 'ldirectord.cf: schedflags');
      return [name];
    }
    const reason = `${name} applies only below lb_algo ${name.slice(0, 2)}: keepalived ignores it here`;
    ignored(line, 'bad-value', reason, 'the import does too; write it below lb_algo', tools);
    tools.notes.omitted(line.span, quoteStatement(line), reason);
    return [];
  });
  return kept.length === 0 ? undefined : [...new Set(kept)].join(',');
}

export function parsePersistence(
  block: Block,
  family: 4 | 6,
  tools: Tools,
): {persistent?: number; netmask?: string} {
  const {notes} = tools;
  const granularity = block.last('persistence_granularity');
  const zeros: Statement[] = [];
  const timeout = lastReadable(
    block,
    ['persistence_timeout'],
    (line) => {
      if (line.words.length === 1) return PERSISTENCE;
      if (/^0+$/.test(argumentOf(line))) zeros.push(line);
      else return numberOf(line, 1, PERSISTENCE_MOST, tools, true);
      return undefined;
    },
    {...tools, notes: newNotes()},
  );
  const seconds = timeout?.value;
  if (timeout) notes.exact(timeout.line.span, quoteStatement(timeout.line), 'ldirectord.cf: persistent');
  for (const line of block.all('persistence_timeout')) {
    if (line === timeout?.line) continue;
    if (zeros.includes(line) && seconds === undefined && !granularity)
      notes.exact(line.span, quoteStatement(line), 'not persistent');
    else notes.omitted(line.span, quoteStatement(line), 'keepalived ignores it too');
  }
  const mask = argumentOf(granularity);
  const isMask =
    family === 4
      ? ipv4(mask) !== undefined && prefixLength(mask, 4) !== undefined
      : wholeNumber(mask, 1, 128) !== undefined;
  if (granularity && isMask)
    notes.exact(granularity.span, quoteStatement(granularity), 'ldirectord.cf: netmask');
  else if (granularity && family === 4 && isNumericAddress(mask)) {
    const reason = `"${mask}" is not a netmask: keepalived uses the bits of ${isQuad(mask) ? mask : 'that number'} anyway`;
    ignored(
      granularity.words[1] ?? granularity,
      'bad-value',
      reason,
      'here each client address is persistent by itself; write a netmask such as 255.255.255.0',
      tools,
    );
    notes.lost(granularity.span, quoteStatement(granularity), reason);
  } else if (granularity) {
    ignored(
      granularity.words[1] ?? granularity,
      'bad-value',
      `"${mask}" is not a granularity: keepalived ignores the line`,
      `the import does too; write ${family === 4 ? 'a netmask such as 255.255.255.0' : 'a prefix length from 1 to 128'}`,
      tools,
    );
    notes.omitted(
      granularity.span,
      quoteStatement(granularity),
      'not a granularity: keepalived ignores it too',
    );
  }
  const netmask = granularity && isMask ? {netmask: mask} : {};
  const isPersistent = granularity && (isMask || (family === 4 && isNumericAddress(mask)));
  if (seconds === undefined) return isPersistent ? {persistent: PERSISTENCE, ...netmask} : {};
  return {persistent: seconds, ...netmask};
}

const isQuad = (text: string): boolean => ipv4(text) !== undefined;

/** A text that getaddrinfo accepts as an IPv4 address: `24` is 0.0.0.24. */
const isNumericAddress = (text: string): boolean =>
  isQuad(text) || (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32);

export function parseSorry(block: Block, methods: Methods, tools: Tools): ImportedVirtual['fallback'] {
  const {notes} = tools;
  const sorry = lastReadable(block, ['sorry_server'], (line) => sorryOf(line, tools), tools);
  const index = sorry ? block.statements.indexOf(sorry.line) : Infinity;
  const isBelow = (line: Statement): boolean => block.statements.indexOf(line) > index;
  const otherwise = sorry ? methods.at(sorry.line) : undefined;
  const method = lastReadable(
    block,
    ['sorry_server_lvs_method'],
    (line) => {
      if (isBelow(line)) return methodOf(line, otherwise, tools);
      const reason = 'it is above its sorry_server: keepalived ignores it';
      ignored(line, 'bad-value', reason, 'the import does too; write it below sorry_server', tools);
      return undefined;
    },
    tools,
  );
  if (!sorry) return undefined;
  notes.exact(sorry.line.span, quoteStatement(sorry.line), 'ldirectord.cf: fallback');
  return {...sorry.value, method: method?.value ?? otherwise ?? methods.last};
}

function sorryOf(
  statement: Statement,
  tools: Tools,
): {readonly address: string; readonly port: number} | undefined {
  const address = serverAddress(argumentOf(statement));
  const port = portAt(statement, 2, tools);
  if (address === undefined || port === undefined) {
    ignored(
      statement.words[1] ?? statement,
      'bad-address',
      `"${argumentOf(statement)} ${argumentOf(statement, 2)}" is not an address and a port: keepalived has no sorry server`,
      'the import has none either; write sorry_server ADDRESS PORT',
      tools,
    );
    return undefined;
  }
  return {address, port};
}

export function parseQuorum(block: Block, tools: Tools): void {
  const statement = block.last('quorum');
  if (!statement) return;
  const quorum = numberOf(statement, 1, 2 ** 31 - 1, tools) ?? 1;
  if (quorum === 1)
    tools.notes.exact(statement.span, quoteStatement(statement), 'the fallback serves when no server is up');
  else
    tools.notes.lost(
      statement.span,
      quoteStatement(statement),
      'the fallback serves when no server is up; hactl_quorum in ha.cf sets a quorum of servers (not weights) for all virtual services',
    );
}
