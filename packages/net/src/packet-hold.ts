/**
 * Holds back TCP segments that no one here knows, with nf_tables over netlink (linux/netfilter/nf_tables.h): without this the
 * kernel answers them with RST, or passes a real server's answer on untranslated, and the connection is lost although its
 * record is about to arrive. A segment that is dropped is sent again.
 *
 * IPVS takes what it knows in LOCAL_IN and FORWARD before these chains see it. The table belongs to the socket: the kernel
 * removes it with the process.
 */
import {addressBytes} from './address-text.ts';
import {attribute, be32Attribute, nestedAttribute, stringAttribute} from './attributes.ts';
import {NETFILTER, netlinkFlag, openDirect, type BatchMessage} from './netlink-direct.ts';

/** An address and a TCP port. */
export interface Endpoint {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
}

export interface HeldPackets {
  /** Segments to these endpoints, unless a socket of this machine takes them. SYN and RST pass. */
  readonly to: readonly Endpoint[];
  /** Segments from these endpoints that are forwarded. */
  readonly from: readonly Endpoint[];
}

export interface PacketHold {
  /** Replaces what is held. Throws NetlinkError if the kernel refuses. */
  hold(held: HeldPackets): void;
  close(): void;
}

const SUBSYSTEM = 10;
const [BATCH_BEGIN, BATCH_END] = [0x10, 0x11];
const message = {NEWTABLE: 0, NEWCHAIN: 3, NEWRULE: 6, NEWSET: 9, NEWSETELEM: 12, DELSETELEM: 14} as const;
const INET = 1;
const APPEND = 0x800;
const TABLE_OWNER = 2;
const [LOCAL_IN, FORWARD] = [1, 2];
/** Behind IPVS, which is at 98 to 100. */
const PRIORITY = 120;
const [DROP, ACCEPT] = [0, 1];
const [META_NFPROTO, META_L4PROTO] = [15, 16];
const [NETWORK, TRANSPORT] = [1, 2];
const TCP = 6;
/** SYN and RST, in the octet of the TCP header that has the flags. */
const [FLAGS_OFFSET, SYN_OR_RST] = [13, 0x06];
/** The first of the 32-bit registers, which hold the parts of a key one after another. */
const REGISTER = 8;
/** Elements in one message: an attribute has at most 64 KiB. */
const CHUNK = 1_000;

/** nfproto, the lengths, and the offsets of the addresses in the header. The key's type is for `nft list ruleset` only. */
const families = [
  {family: 4, nfproto: 2, length: 4, source: 12, destination: 16, type: (7 << 6) | 13},
  {family: 6, nfproto: 10, length: 16, source: 8, destination: 24, type: (8 << 6) | 13},
] as const;
type Family = (typeof families)[number];

const directions = [
  {chain: 'input', hook: LOCAL_IN, set: 'to'},
  {chain: 'forward', hook: FORWARD, set: 'from'},
] as const;

const setName = (direction: 'to' | 'from', family: 4 | 6): string => `${direction}${family}`;

const header = (family: number, resource: number): Buffer =>
  Buffer.from([family, 0, resource >> 8, resource & 255]);
const put = (type: number, flags: number, attributes: readonly Buffer[]): BatchMessage => ({
  type: (SUBSYSTEM << 8) | type,
  flags,
  payload: Buffer.concat([header(INET, 0), ...attributes]),
});
const edge = (type: number): BatchMessage => ({type, flags: 0, payload: header(0, SUBSYSTEM)});

/** A transaction: all of it or nothing. */
const transaction = (messages: readonly BatchMessage[]): BatchMessage[] => [
  edge(BATCH_BEGIN),
  ...messages.map((part, index) =>
    index === messages.length - 1 ? {...part, flags: part.flags | netlinkFlag.ACK} : part,
  ),
  edge(BATCH_END),
];

// ------------------------------------------------------------------------------------------------- expressions
const expression = (name: string, data: readonly Buffer[]): Buffer =>
  nestedAttribute(1, [stringAttribute(1, name), nestedAttribute(2, data)]);
const value = (type: number, bytes: Uint8Array): Buffer => nestedAttribute(type, [attribute(1, bytes)]);
const isEqual = (bytes: Uint8Array): Buffer =>
  expression('cmp', [be32Attribute(1, REGISTER), be32Attribute(2, 0), value(3, bytes)]);
const meta = (key: number): Buffer => expression('meta', [be32Attribute(1, REGISTER), be32Attribute(2, key)]);
const payload = (register: number, base: number, offset: number, length: number): Buffer =>
  expression(
    'payload',
    [register, base, offset, length].map((number, index) => be32Attribute(index + 1, number)),
  );
const masked = (mask: number): Buffer =>
  expression('bitwise', [
    be32Attribute(1, REGISTER),
    be32Attribute(2, REGISTER),
    be32Attribute(3, 1),
    value(4, Buffer.from([mask])),
    value(5, Buffer.from([0])),
  ]);
const isIn = (set: string): Buffer =>
  expression('lookup', [stringAttribute(1, set), be32Attribute(2, REGISTER)]);
/** Ends the rule unless a socket of this machine, in whatever state, takes the segment. */
const hasSocket = expression('socket', [be32Attribute(1, 0), be32Attribute(2, REGISTER)]);
const verdict = (code: number): Buffer =>
  expression('immediate', [
    be32Attribute(1, 0),
    nestedAttribute(2, [nestedAttribute(2, [be32Attribute(1, code)])]),
  ]);

const rule = (table: string, chain: string, expressions: readonly Buffer[]): BatchMessage =>
  put(message.NEWRULE, netlinkFlag.CREATE | APPEND, [
    stringAttribute(1, table),
    stringAttribute(2, chain),
    nestedAttribute(4, expressions),
  ]);

/** The rules of one address family in one chain. */
function rulesFor(table: string, {chain, set}: (typeof directions)[number], family: Family): BatchMessage[] {
  const isTo = set === 'to';
  const about = [
    meta(META_NFPROTO),
    isEqual(Buffer.from([family.nfproto])),
    meta(META_L4PROTO),
    isEqual(Buffer.from([TCP])),
    ...(isTo
      ? [payload(REGISTER, TRANSPORT, FLAGS_OFFSET, 1), masked(SYN_OR_RST), isEqual(Buffer.from([0]))]
      : []),
    payload(REGISTER, NETWORK, isTo ? family.destination : family.source, family.length),
    payload(REGISTER + family.length / 4, TRANSPORT, isTo ? 2 : 0, 2),
    isIn(setName(set, family.family)),
  ];
  return [
    ...(isTo ? [rule(table, chain, [...about, hasSocket, verdict(ACCEPT)])] : []),
    rule(table, chain, [...about, verdict(DROP)]),
  ];
}

/** The table with its sets and chains, without elements. */
const create = (table: string): BatchMessage[] => [
  put(message.NEWTABLE, netlinkFlag.CREATE, [stringAttribute(1, table), be32Attribute(2, TABLE_OWNER)]),
  ...directions.flatMap((direction, at) => [
    ...families.map(({family, length, type}, index) =>
      put(message.NEWSET, netlinkFlag.CREATE, [
        stringAttribute(1, table),
        stringAttribute(2, setName(direction.set, family)),
        be32Attribute(4, type),
        be32Attribute(5, length + 4),
        be32Attribute(10, 1 + at * families.length + index),
      ]),
    ),
    put(message.NEWCHAIN, netlinkFlag.CREATE, [
      stringAttribute(1, table),
      stringAttribute(3, direction.chain),
      nestedAttribute(4, [be32Attribute(1, direction.hook), be32Attribute(2, PRIORITY)]),
      be32Attribute(5, ACCEPT),
      stringAttribute(7, 'filter'),
    ]),
    ...families.flatMap((family) => rulesFor(table, direction, family)),
  ]),
];

const keyOf = ({address, port}: Endpoint): Buffer =>
  Buffer.concat([addressBytes(address), Buffer.from([port >> 8, port & 255, 0, 0])]);

/** Replaces the elements of the sets. */
const fill = (table: string, held: HeldPackets): BatchMessage[] =>
  directions.flatMap(({set}) =>
    families.flatMap(({family}) => {
      const of = [stringAttribute(1, table), stringAttribute(2, setName(set, family))];
      const keys = [
        ...new Set(
          held[set].filter((end) => end.family === family).map((end) => keyOf(end).toString('latin1')),
        ),
      ];
      const chunks = Array.from({length: Math.ceil(keys.length / CHUNK)}, (_, at) =>
        keys.slice(at * CHUNK, (at + 1) * CHUNK),
      );
      return [
        put(message.DELSETELEM, 0, of),
        ...chunks.map((chunk) =>
          put(message.NEWSETELEM, netlinkFlag.CREATE, [
            ...of,
            nestedAttribute(
              3,
              chunk.map((key) => nestedAttribute(1, [value(1, Buffer.from(key, 'latin1'))])),
            ),
          ]),
        ),
      ];
    }),
  );

/**
 * Opens the table in the thread's network namespace. Nothing is held yet. Throws NetlinkError if the kernel has no nf_tables,
 * or a part of it is missing (5.12 or later is needed: tables that belong to a socket). Needs CAP_NET_ADMIN.
 */
export function openPacketHold(): PacketHold {
  const table = `hactl-${process.pid}`;
  const netlink = openDirect(NETFILTER);
  const purpose = {op: 'set', target: `nf_tables table ${table}`};
  try {
    netlink.batch(transaction(create(table)), purpose);
  } catch (error) {
    netlink.close();
    throw error;
  }
  return {
    hold: (held) => netlink.batch(transaction(fill(table, held)), purpose),
    close: () => netlink.close(),
  };
}
