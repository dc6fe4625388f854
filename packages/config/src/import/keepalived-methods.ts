/** How the servers of a virtual_server are reached, and of which family the service is. Pure. */
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

/** NAT where no line says another method, as keepalived's default. */
const DEFAULT_METHOD: ForwardMethod = 'masq';

/** The forwarding methods of a virtual's servers. */
export interface Methods {
  /** What counts at the end. */
  readonly last: ForwardMethod;
  /** Each server has what stands above it, or else what counts at the end. */
  readonly at: (server: Statement) => ForwardMethod;
}

export function takeMethods(block: Block, tools: Tools): Methods {
  const found = readable<ForwardMethod>(
    block,
    ['lvs_method', 'lb_kind'],
    (line, before) => methodOf(line, before, tools),
    tools,
  );
  const last = found.at(-1)?.value ?? DEFAULT_METHOD;
  const place = new Map(block.statements.map((statement, index) => [statement, index]));
  const placeOf = (statement: Statement): number => place.get(statement) ?? Infinity;
  return {
    last,
    at: (server) => found.findLast(({line}) => placeOf(line) < placeOf(server))?.value ?? last,
  };
}

/**
 * The family of the service, as keepalived finds it: the address says it; of a mark the first line that says one: ip_family,
 * a granularity, a server that is not reached through a tunnel. undefined: nothing does. A line that contradicts is ignored.
 */
export function takeFamily(
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

/** The family after a line ip_family. */
function withFamily(family: 4 | 6 | undefined, line: Statement, tools: Tools): 4 | 6 | undefined {
  const word = argumentOf(line);
  const written = word === 'inet6' ? 6 : word === 'inet' ? 4 : undefined;
  if (written !== undefined && (family ?? written) === written) {
    tools.book.exact(line.span, quoteStatement(line), 'ldirectord.cf: virtual or virtual6');
    return written;
  }
  const reason =
    written === undefined
      ? `"${word}" is not an address family: keepalived ignores the line`
      : `${word} is not the family of what stands above: keepalived ignores the line`;
  ignored(line.words[1] ?? line, 'bad-value', reason, 'the import does too; inet or inet6', tools);
  tools.book.not(line.span, quoteStatement(line), 'no family: keepalived ignores it too');
  return family;
}

/** The family of a server that must be its service's own. */
function familyOfServer(line: Statement, methods: Methods): 4 | 6 | undefined {
  const address = serverAddress(argumentOf(line));
  const own = (line.block ?? []).findLast(
    (line) => nameOf(line) === 'lvs_method' && ['NAT', 'DR', 'TUN'].includes(argumentOf(line)),
  );
  const isTunnel = own ? argumentOf(own) === 'TUN' : methods.at(line) === 'ipip';
  return address === undefined || isTunnel ? undefined : familyOf(address);
}

/** The family that a granularity says, where it is one. */
function maskFamily(mask: string): 4 | 6 | undefined {
  if (mask.includes('.')) return ipv4(mask) === undefined ? undefined : 4;
  return wholeNumber(mask, 1, 128) === undefined ? undefined : 6;
}
