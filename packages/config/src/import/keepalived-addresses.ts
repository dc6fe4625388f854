/**
 * The addresses of a vrrp_instance: source address, peers, virtual addresses. The first address that keepalived accepts, from
 * any of these lines, sets the family; addresses of the other family below it are ignored. Pure.
 */
import type {Vip} from '../model.ts';
import {argumentOf, ignored, nameOf, quoteStatement, type Block, type Tools} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {familyOf} from './keepalived-real.ts';
import {parseVip} from './keepalived-vip.ts';
import {canonical} from './words.ts';

export interface Addresses {
  readonly family: 4 | 6;
  /** The line that sets the family. */
  readonly by: Statement | undefined;
  /** At most one: a pair has one peer. */
  readonly peers: readonly string[];
  readonly vips: readonly Vip[];
  /** Interfaces of addresses without no_track: keepalived tracks them like the instance's interface. */
  readonly devices: readonly string[];
}

type Family = 4 | 6 | undefined;

const kinds: ReadonlySet<string> = new Set([
  'native_ipv6', 'unicast_src_ip', 'mcast_src_ip', 'unicast_peer', 'virtual_ipaddress', 'virtual_ipaddress_excluded',
]); // prettier-ignore

export function parseAddresses(block: Block, device: string, tools: Tools): Addresses {
  const {notes} = tools;
  const included: Vip[] = [];
  const excluded: Vip[] = [];
  const peers: string[] = [];
  const devices: string[] = [];
  const peerBlocks = block.all('unicast_peer');
  const vipBlocks = block.all('virtual_ipaddress', 'virtual_ipaddress_excluded');
  for (const line of vipBlocks)
    notes.exact(line.span, quoteStatement(line), 'haresources: IPaddr2 and IPv6addr');
  const found = block.statements
    .filter((statement) => kinds.has(nameOf(statement)))
    .reduce<Found>((before, statement) => {
      const family = familyAfter(statement, before.family);
      return before.family === undefined && family !== undefined ? {family, by: statement} : before;
    }, {});
  for (const line of peerBlocks)
    if (peers.length > 0) notes.exact(line.span, quoteStatement(line), 'ha.cf: ucast');
    else
      notes.changed(line.span, quoteStatement(line), 'no usable address in it: multicast is written instead');
  return {family: found.family ?? 4, by: found.by, peers, vips: [...included, ...excluded], devices};

  function familyAfter(statement: Statement, family: Family): Family {
    const name = nameOf(statement);
    const lines = statement.block ?? [];
    if (name === 'native_ipv6') return family ?? 6;
    if (name.endsWith('_src_ip')) return family ?? addressFamily(argumentOf(statement));
    if (name === 'unicast_peer')
      return lines.reduce((family, line) => addPeer(line, family, peers, tools), family);
    if (name === 'virtual_ipaddress')
      return lines.reduce((family, line) => {
        included.push(...vipsOf(line, family));
        return family ?? included.at(-1)?.family;
      }, family);
    // Excluded addresses may be of either family.
    excluded.push(...lines.flatMap((line) => vipsOf(line, undefined)));
    return family;
  }

  function vipsOf(line: Statement, family: Family): Vip[] {
    const vip = parseVip(line, {device, family}, tools);
    const isTracked = vip?.device !== undefined && vip.device !== device && !hasNoTrack(line);
    if (isTracked) devices.push(vip.device);
    return vip ? [vip] : [];
  }
}

const hasNoTrack = (line: Statement): boolean => line.words.some(({text}) => text === 'no_track');

interface Found {
  readonly family?: 4 | 6;
  readonly by?: Statement;
}

const addressFamily = (text: string): Family => {
  const address = canonical(text);
  return address === undefined ? undefined : familyOf(address);
};

/** Adds the peer if it is the first. Returns the family after this line. */
function addPeer(statement: Statement, family: Family, peers: string[], tools: Tools): Family {
  const {notes} = tools;
  const [word] = statement.words;
  const address = canonical(word?.text ?? '');
  const problem =
    address === undefined
      ? `"${word?.text ?? ''}" is not an address`
      : family !== undefined && familyOf(address) !== family
        ? `${address} is not of the instance’s address family`
        : undefined;
  if (address === undefined || problem !== undefined) {
    ignored(
      word ?? statement,
      'bad-address',
      `${problem}: keepalived skips it`,
      'the import does too; write unicast_peer { ADDRESS }, of the same family as the addresses above',
      tools,
    );
    notes.omitted(statement.span, quoteStatement(statement), `${problem}: keepalived skips it too`);
    return family;
  }
  if (peers.length > 0)
    notes.lost(
      statement.span,
      quoteStatement(statement),
      'a pair has two directors: only the first peer is used',
    );
  else {
    notes.exact(statement.span, quoteStatement(statement), 'ha.cf: ucast');
    peers.push(address);
  }
  return familyOf(address);
}
