/** The settings of a virtual_server of keepalived.conf. Pure. */
import {ipv4, prefixLength} from '../addresses.ts';
import type {ForwardMethod, VirtualAddress} from '../model.ts';
import type {ImportedVirtual} from './imported.ts';
import {argumentOf, ignored, numberOf, quoteStatement, type Block, type Tools} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {portAt, serverAddress, takeMethod} from './keepalived-real.ts';
import {wholeNumber} from './words.ts';

/** What keepalived takes for `persistence_timeout` without a number. */
export const PERSISTENCE = 360;
/** keepalived's limit: 31 days. */
const PERSISTENCE_MOST = 2_678_400;

/** What the service is of; `isWritten`: the file has such a line; `note` reports its conversion. */
export function takeProtocol(
  block: Block,
  statement: Statement,
  tools: Tools,
): {readonly protocol: string; readonly isWritten: boolean; readonly note: () => void} {
  const {book} = tools;
  const line = block.last('protocol');
  const isMark = argumentOf(statement) === 'fwmark';
  const written = argumentOf(line).toLowerCase();
  const isProtocol = ['tcp', 'udp', 'sctp', ''].includes(written);
  if (!isProtocol)
    ignored(
      line?.words[1] ?? statement,
      'bad-value',
      `unknown protocol "${argumentOf(line)}": keepalived ignores it`,
      'the import does too; TCP, UDP or SCTP',
      tools,
    );
  const note = (): void => {
    if (line && !isProtocol)
      book.not(line.span, quoteStatement(line), 'no protocol: keepalived ignores it too');
    else if (line && isMark)
      book.approximated(
        line.span,
        quoteStatement(line),
        'a firewall mark has no protocol: ldirectord.cf: protocol=fwm',
      );
    else if (line) book.exact(line.span, quoteStatement(line), 'ldirectord.cf: protocol');
  };
  // Without a protocol keepalived (2.2.7) programs udp; a firewall mark has none.
  const protocol = isProtocol && written !== '' ? written : isMark ? 'tcp' : 'udp';
  return {protocol, isWritten: line !== undefined, note};
}

/** One packet at a time: for udp and marks only; keepalived takes it back for tcp. */
export function takeOps(statement: Statement | undefined, address: VirtualAddress, {book}: Tools): boolean {
  if (!statement) return false;
  const isTcp = address.kind === 'address' && address.protocol === 'tcp';
  if (isTcp)
    book.not(statement.span, quoteStatement(statement), 'it is for udp only: keepalived leaves it out too');
  else book.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: ops');
  return !isTcp;
}

const schedulers: ReadonlySet<string> = new Set([
  'rr', 'wrr', 'lc', 'wlc', 'lblc', 'sh', 'mh', 'dh', 'fo', 'ovf', 'lblcr', 'sed', 'nq', 'twos',
]); // prettier-ignore

export function takeScheduler(block: Block, tools: Tools): string {
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

export function takeFamily(block: Block, tools: Tools): 4 | 6 | undefined {
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

export function takePersistence(
  block: Block,
  family: 4 | 6,
  tools: Tools,
): {persistent?: number; netmask?: string} {
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

export function takeSorry(block: Block, otherwise: ForwardMethod, tools: Tools): ImportedVirtual['fallback'] {
  const {book} = tools;
  const statement = block.last('sorry_server');
  const method = takeMethod(block.last('sorry_server_lvs_method'), otherwise, tools) ?? otherwise;
  if (!statement) return undefined;
  const address = serverAddress(argumentOf(statement));
  const port = portAt(statement, 2, tools);
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

export function takeQuorum(block: Block, tools: Tools): void {
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
