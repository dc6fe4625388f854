/** Forwarding methods and address family of a virtual_server. Pure. */
import {ipv4} from '../addresses.ts';
import type {ForwardMethod} from '../model.ts';
import {
  argumentOf,
  ignored,
  nameOf,
  quoteStatement,
  readable,
  type Block,
  type Tools,
} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {familyOf, methodOf, serverAddress} from './keepalived-real.ts';
import {wholeNumber} from './words.ts';

/** keepalived's default: NAT. */
const DEFAULT_METHOD: ForwardMethod = 'masq';

/** The forwarding methods of a virtual service's servers. */
export interface Methods {
  /** The method in force at the end of the block. */
  readonly last: ForwardMethod;
  /** A server's method: in force above it, otherwise at the end. */
  readonly at: (server: Statement) => ForwardMethod;
}

export function parseMethods(block: Block, tools: Tools): Methods {
  const found = readable<ForwardMethod>(
    block,
    ['lvs_method', 'lb_kind'],
    (line, before) => methodOf(line, before, tools),
    tools,
  );
  const last = found.at(-1)?.value ?? DEFAULT_METHOD;
  const indexes = new Map(block.statements.map((statement, index) => [statement, index]));
  const indexOf = (statement: Statement): number => indexes.get(statement) ?? Infinity;
  return {
    last,
    at: (server) => found.findLast(({line}) => indexOf(line) < indexOf(server))?.value ?? last,
  };
}

/**
 * The family of the service, as keepalived determines it: from the address; for a mark from the first of ip_family, a
 * granularity, or a server that is not tunnelled to. undefined: none of these. A contradicting line is ignored.
 */
export function parseFamily(
  block: Block,
  address: 4 | 6 | undefined,
  methods: Methods,
  tools: Tools,
): 4 | 6 | undefined {
  const lines = new Set(block.all('ip_family'));
  return block.statements.reduce<4 | 6 | undefined>((family, line) => {
    if (lines.has(line)) return withFamily(family, line, tools);
    const mask = argumentOf(line);
    if (nameOf(line) === 'persistence_granularity') return family ?? maskFamily(mask);
    return nameOf(line) === 'real_server' ? (family ?? familyOfServer(line, methods)) : family;
  }, address);
}

/** The family after an ip_family line. */
function withFamily(family: 4 | 6 | undefined, line: Statement, tools: Tools): 4 | 6 | undefined {
  const word = argumentOf(line);
  const written = word === 'inet6' ? 6 : word === 'inet' ? 4 : undefined;
  if (written !== undefined && (family ?? written) === written) {
    tools.notes.exact(line.span, quoteStatement(line), 'ldirectord.cf: virtual or virtual6');
    return written;
  }
  const reason =
    written === undefined
      ? `"${word}" is not an address family: keepalived ignores the line`
      : `${word} contradicts the family set above: keepalived ignores the line`;
  ignored(line.words[1] ?? line, 'bad-value', reason, 'the import does too; write inet or inet6', tools);
  tools.notes.omitted(line.span, quoteStatement(line), 'not a usable family: keepalived ignores it too');
  return family;
}

/** The family of a server, which is also its service's; undefined: tunnelled to, or no address. */
function familyOfServer(line: Statement, methods: Methods): 4 | 6 | undefined {
  const address = serverAddress(argumentOf(line));
  const methodLine = (line.block ?? []).findLast(
    (line) => nameOf(line) === 'lvs_method' && ['NAT', 'DR', 'TUN'].includes(argumentOf(line)),
  );
  const isTunnel = methodLine ? argumentOf(methodLine) === 'TUN' : methods.at(line) === 'ipip';
  return address === undefined || isTunnel ? undefined : familyOf(address);
}

/** The family of a granularity; undefined: not a granularity. */
function maskFamily(mask: string): 4 | 6 | undefined {
  if (mask.includes('.')) return ipv4(mask) === undefined ? undefined : 4;
  return wholeNumber(mask, 1, 128) === undefined ? undefined : 6;
}
