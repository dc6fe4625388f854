/** The head of a virtual_server: an address, a range, a firewall mark, or a group of these. Pure. */
import ipaddr from 'ipaddr.js';
import {addressRange, ipv4, ipv6, prefixLength} from '../addresses.ts';
import type {VirtualAddress} from '../model.ts';
import {argumentsOf, ignored, quoteStatement, type Tools} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';
import {familyOf, portAt, serverAddress} from './keepalived-real.ts';
import {canonical, leadingNumber} from './words.ts';

export interface HeadTools extends Tools {
  readonly groups: ReadonlyMap<string, Statement>;
}

export type Head =
  | Extract<VirtualAddress, {kind: 'address'}>
  | (Extract<VirtualAddress, {kind: 'fwmark'}> & {readonly isFixed: boolean});

/** `virtual_server ADDRESS PORT`, `fwmark N`, or `group NAME` with all its entries. */
export function parseHeads(statement: Statement, protocol: 'tcp' | 'udp', tools: HeadTools): Head[] {
  const {notes, groups} = tools;
  const [first = '', second = ''] = argumentsOf(statement);
  if (first === 'group') {
    const group = groups.get(second);
    if (!group) {
      ignored(
        statement.words[2] ?? statement,
        'unresolved-name',
        `no virtual_server_group ${second}: keepalived has no address for this service`,
        'the import leaves the service out too; add the group, or write the address here',
        tools,
      );
      return [];
    }
    notes.exact(
      statement.span,
      quoteStatement(statement),
      'ldirectord.cf: a virtual service for each entry of the group',
    );
    const heads = (group.block ?? []).flatMap((line) => parseEntry(line, 0, protocol, tools));
    if (!isMixed(heads)) return heads;
    ignored(
      group,
      'bad-address',
      `virtual_server_group ${second} has IPv4, IPv6 and a fwmark without a family: keepalived removes the group`,
      'the import leaves the service out too; write fwmark NUMBER inet or inet6',
      tools,
    );
    return [];
  }
  const heads = parseEntry(statement, 1, protocol, tools);
  notes.exact(statement.span, quoteStatement(statement), 'ldirectord.cf: a virtual service');
  return heads;
}

/** Both address families, and a mark without one. */
function isMixed(heads: readonly Head[]): boolean {
  const sure = heads.filter((head) => head.kind === 'address' || head.isFixed);
  return sure.length < heads.length && new Set(sure.map(({family}) => family)).size === 2;
}

function parseEntry(line: Statement, offset: number, protocol: 'tcp' | 'udp', tools: Tools): Head[] {
  const {notes} = tools;
  const words = line.words.slice(offset);
  const [first, second, third] = words;
  const complain = (message: string, help: string): [] => {
    ignored(
      first ?? line,
      'bad-address',
      message,
      `keepalived leaves it out, and so does the import; ${help}`,
      tools,
    );
    notes.omitted(line.span, quoteStatement(line), 'keepalived leaves it out too');
    return [];
  };
  if (first?.text === 'fwmark') {
    const {value: mark = 0, rest} = leadingNumber(second?.text ?? '');
    if (mark < 1 || mark >= 2 ** 32)
      return complain(`"${second?.text ?? ''}" is not a firewall mark`, 'write fwmark NUMBER');
    if (rest !== '')
      ignored(
        second ?? line,
        'bad-value',
        `"${second?.text ?? ''}" is not a firewall mark: keepalived reads ${mark}`,
        `the import does too; write fwmark ${mark}`,
        tools,
      );
    const isFixed = offset === 0 && third !== undefined;
    if (isFixed && third.text !== 'inet' && third.text !== 'inet6')
      return complain(`"${third.text}" is not an address family`, 'write fwmark NUMBER inet or inet6');
    if (offset === 0) notes.exact(line.span, quoteStatement(line), 'ldirectord.cf: virtual= with the mark');
    return [{kind: 'fwmark', family: isFixed && third.text === 'inet6' ? 6 : 4, mark, isFixed}];
  }
  const port = portAt(line, offset + 1, tools);
  if (port === undefined)
    return complain(`"${second?.text ?? ''}" is not a port`, 'write a number from 1 to 65535');
  // Ranges and networks are for groups: elsewhere keepalived uses only the address.
  const single = serverAddress(first?.text ?? '');
  const addresses = offset === 0 ? rangeOf(first?.text ?? '') : single === undefined ? undefined : [single];
  if (offset > 0 && single !== undefined && /[-/]/.test(first?.text ?? ''))
    ignored(
      first ?? line,
      'bad-address',
      `${first?.text}: keepalived uses only ${single}`,
      'the import does too; write ranges and networks in a virtual_server_group',
      tools,
    );
  if (!addresses)
    return complain(
      `"${first?.text ?? ''}" is neither an address nor a range of addresses`,
      'write virtual_server ADDRESS PORT, fwmark NUMBER or group NAME',
    );
  if (offset === 0)
    notes.exact(
      line.span,
      quoteStatement(line),
      addresses.length === 1
        ? 'ldirectord.cf: a virtual service'
        : `ldirectord.cf: ${addresses.length} virtual services`,
    );
  return addresses.map((address) => ({kind: 'address', family: familyOf(address), address, port, protocol}));
}

/** Most virtual services from one range. */
const RANGE = 4_096;

/** An address, `A-LAST`, `A-B` or `A/LENGTH`. */
function rangeOf(text: string): string[] | undefined {
  const single = canonical(text);
  if (single !== undefined) return [single];
  const net = /^([\da-f.:]+)\/(\d+)$/i.exec(text);
  if (net) {
    const address = canonical(net[1] ?? '');
    const length = address === undefined ? undefined : prefixLength(net[2] ?? '', familyOf(address));
    if (address === undefined || !length) return undefined;
    const size = 2 ** ((familyOf(address) === 4 ? 32 : 128) - length);
    // keepalived leaves out a network with host bits.
    return size > RANGE || lowBits(address) % size !== 0 ? undefined : countUp(address, size);
  }
  const range = /^(.+)-([\da-f.:]+)$/i.exec(text);
  const first = canonical(range?.[1] ?? '');
  if (!range || first === undefined) return undefined;
  const last = range[2] ?? '';
  if (familyOf(first) === 4) {
    const end =
      ipv4(last) ?? (/^\d{1,3}$/.test(last) ? ipv4(first.replace(/\d+$/, String(Number(last)))) : undefined);
    const all = end === undefined || isShortAndEqual(first, last, end) ? undefined : addressRange(first, end);
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

/** `192.0.2.5-5`: keepalived refuses an equal end in the short form, and accepts it in `192.0.2.5-192.0.2.5`. */
const isShortAndEqual = (first: string, last: string, end: string): boolean =>
  !last.includes('.') && first === end;

/** The last sixteen bits of an address. */
const lowBits = (address: string): number => {
  const bytes = ipaddr.parse(address).toByteArray();
  return (bytes.at(-2) ?? 0) * 256 + (bytes.at(-1) ?? 0);
};

const countUp = (address: string, count: number): string[] =>
  Array.from({length: count}, (_, increment) => {
    const bytes = ipaddr.parse(address).toByteArray();
    for (let index = bytes.length - 1, carry = increment; index >= 0 && carry > 0; index -= 1) {
      const sum = (bytes[index] ?? 0) + carry;
      bytes[index] = sum & 255;
      carry = sum >> 8;
    }
    const text = ipaddr.fromByteArray(bytes).toString();
    return ipv6(text) ?? text;
  });
