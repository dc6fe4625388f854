/**
 * The advert: one datagram for all virtual routers of a node. docs/protocol.md describes it for other implementations.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------------------------------------------------------+
 *   |                     magic "HACT" 48414354                     |   0
 *   +---------------+---------------+---------------+---------------+
 *   |   version 2   |  auth method  |    key id     |     flags     |   4   flags: 1 ready
 *   +---------------+---------------+---------------+---------------+
 *   |        total length           |  node index   |    groups     |   8
 *   +---------------+---------------+---------------+---------------+
 *   |     path      |  reserved 0   |         paths heard           |  12   one bit for each path
 *   +---------------+---------------+-------------------------------+
 *   |                      cluster (8 octets)                       |  16   SHA-256 of its name, cut
 *   |                       node (8 octets)                         |  24   SHA-256 of its name, cut
 *   |                    incarnation (8 octets)                     |  32   grows with every start
 *   |                     sequence (8 octets)                       |  40   grows with every advert
 *   |                 echoed incarnation (8 octets)                 |  48   what this node heard last
 *   |                  echoed sequence (8 octets)                   |  56   of the peer
 *   |                  config digest (8 octets)                     |  64
 *   +---------------+---------------+---------------+---------------+
 *   |                        vrid (4 octets)                        |  72   once for each group
 *   +---------------+---------------+---------------+---------------+
 *   |     state     |   priority    |     flags     |   addresses   |
 *   +---------------+---------------+---------------+---------------+
 *   |A|                    address (31 bits)                        |        once for each address of the group
 *   +---------------------------------------------------------------+
 *   |                       tag, 4 to 32 octets                     |
 *   +---------------------------------------------------------------+
 *
 * state: 0 Initialize, 1 Backup, 2 Active. Group flags: 1 handover, 2 held by an operator. A: the sender has this address
 * on an interface. An address is the first 31 bits of SHA-256 over its 4 or 16 octets.
 */
import {assert, fail, ok, type Result} from '@hactl/base';
import {makeTag, methodNumber, sameTag, tagLength} from './auth.ts';
import type {EngineKey, Role} from './messages.ts';

export const ADVERT_VERSION = 2;
export const MAGIC = 0x4841_4354;
const HEADER = 72;
/** Offsets of length and cluster, the same in version 1. */
export const LENGTH_AT = 8;
export const CLUSTER_AT = 16;
/** Minimum length: no groups, shortest tag. */
export const SHORTEST = HEADER + 4;
const GROUP = 8;
const ADDRESS = 4;
const ASSIGNED = 0x8000_0000;

const FLAG_READY = 1;
const GROUP_HANDOVER = 1;
const GROUP_CLAIM = 2;
const roles: readonly Role[] = ['Initialize', 'Backup', 'Active'];

/** One node's report about one group. */
export interface AdvertGroup {
  readonly vrid: number;
  readonly role: Role;
  /** 0: releases; 255: held by an operator. */
  readonly priority: number;
  /** Active and offering the group to the peer: make before break. */
  readonly handover: boolean;
  readonly claim: boolean;
  /** Every address of the group in the sender's configuration; `assigned`: on its interface now. */
  readonly addresses: readonly {readonly hash: number; readonly assigned: boolean}[];
}

export interface Advert {
  /** The node's index among the nodes of ha.cf. */
  readonly nodeIndex: number;
  readonly path: number;
  readonly ready: boolean;
  /** Bit n: the node hears the peer on path n. */
  readonly heard: number;
  readonly cluster: bigint;
  readonly node: bigint;
  readonly incarnation: bigint;
  readonly sequence: bigint;
  readonly echoIncarnation: bigint;
  readonly echoSequence: bigint;
  readonly digest: bigint;
  readonly groups: readonly AdvertGroup[];
}

/** Why a datagram was refused; each code has a counter, `fault-<code>`, in the status. */
export type AdvertFault = {
  readonly code:
    | 'truncated'
    | 'magic'
    | 'version'
    | 'length'
    | 'trailing'
    | 'cluster'
    | 'unknown-key'
    | 'method'
    | 'bad-tag'
    | 'state'
    | 'reserved'
    | 'duplicate-group'
    | 'implausible';
};

/** Writes an advert and signs it. */
export function encodeAdvert(advert: Advert, key: EngineKey): Buffer {
  assert(advert.groups.length <= 255, 'at most 255 groups');
  const tag = tagLength[key.method];
  const body = advert.groups.reduce((size, group) => size + GROUP + group.addresses.length * ADDRESS, HEADER);
  assert(body + tag <= 0xffff, 'an advert fits into a datagram');
  const bytes = Buffer.alloc(body + tag);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes[4] = ADVERT_VERSION;
  bytes[5] = methodNumber[key.method];
  bytes[6] = key.id;
  bytes[7] = advert.ready ? FLAG_READY : 0;
  bytes.writeUInt16BE(body + tag, LENGTH_AT);
  bytes[10] = advert.nodeIndex;
  bytes[11] = advert.groups.length;
  bytes[12] = advert.path;
  bytes.writeUInt16BE(advert.heard & 0xffff, 14);
  bytes.writeBigUInt64BE(advert.cluster, CLUSTER_AT);
  bytes.writeBigUInt64BE(advert.node, 24);
  bytes.writeBigUInt64BE(advert.incarnation, 32);
  bytes.writeBigUInt64BE(advert.sequence, 40);
  bytes.writeBigUInt64BE(advert.echoIncarnation, 48);
  bytes.writeBigUInt64BE(advert.echoSequence, 56);
  bytes.writeBigUInt64BE(advert.digest, 64);
  let offset = HEADER;
  for (const group of advert.groups) {
    assert(group.addresses.length <= 255, 'at most 255 addresses in a group');
    bytes.writeUInt32BE(group.vrid, offset);
    bytes[offset + 4] = roles.indexOf(group.role);
    bytes[offset + 5] = group.priority;
    bytes[offset + 6] = (group.handover ? GROUP_HANDOVER : 0) | (group.claim ? GROUP_CLAIM : 0);
    bytes[offset + 7] = group.addresses.length;
    offset += GROUP;
    for (const {hash, assigned} of group.addresses) {
      bytes.writeUInt32BE(((assigned ? ASSIGNED : 0) | hash) >>> 0, offset);
      offset += ADDRESS;
    }
  }
  bytes.set(makeTag(key, bytes.subarray(0, body)), body);
  return bytes;
}

/** Parses a datagram: length, version, cluster, key, tag, then ranges. Nothing is trusted before the tag is verified. */
export function decodeAdvert(
  bytes: Buffer,
  cluster: bigint,
  keys: readonly EngineKey[],
): Result<Advert, AdvertFault> {
  if (bytes.length < HEADER) return fail({code: 'truncated'});
  if (bytes.readUInt32BE(0) !== MAGIC) return fail({code: 'magic'});
  if (bytes[4] !== ADVERT_VERSION) return fail({code: 'version'});
  const length = bytes.readUInt16BE(LENGTH_AT);
  if (length > bytes.length) return fail({code: 'length'});
  if (length < bytes.length) return fail({code: 'trailing'});
  const key = keys.find(({id}) => id === bytes[6]);
  if (!key) return fail({code: 'unknown-key'});
  if (methodNumber[key.method] !== bytes[5]) return fail({code: 'method'});
  const body = length - tagLength[key.method];
  if (body < HEADER) return fail({code: 'length'});
  if (bytes.readBigUInt64BE(CLUSTER_AT) !== cluster) return fail({code: 'cluster'});
  if (!sameTag(bytes.subarray(body), makeTag(key, bytes.subarray(0, body)))) return fail({code: 'bad-tag'});
  if (bytes[13] !== 0 || ((bytes[7] ?? 0) & ~FLAG_READY) !== 0) return fail({code: 'reserved'});
  const groups = decodeGroups(bytes.subarray(HEADER, body), bytes[11] ?? 0);
  if (!groups.ok) return groups;
  return ok({
    nodeIndex: bytes[10] ?? 0,
    path: bytes[12] ?? 0,
    ready: ((bytes[7] ?? 0) & FLAG_READY) !== 0,
    heard: bytes.readUInt16BE(14),
    cluster,
    node: bytes.readBigUInt64BE(24),
    incarnation: bytes.readBigUInt64BE(32),
    sequence: bytes.readBigUInt64BE(40),
    echoIncarnation: bytes.readBigUInt64BE(48),
    echoSequence: bytes.readBigUInt64BE(56),
    digest: bytes.readBigUInt64BE(64),
    groups: groups.value,
  });
}

/** The groups must fill their octets exactly. */
function decodeGroups(bytes: Buffer, count: number): Result<readonly AdvertGroup[], AdvertFault> {
  const groups: AdvertGroup[] = [];
  const seen = new Set<number>();
  let offset = 0;
  for (let index = 0; index < count; index += 1) {
    if (offset + GROUP > bytes.length) return fail({code: 'length'});
    const vrid = bytes.readUInt32BE(offset);
    const role = roles[bytes[offset + 4] ?? 0xff];
    const flags = bytes[offset + 6] ?? 0;
    const end = offset + GROUP + (bytes[offset + 7] ?? 0) * ADDRESS;
    if (role === undefined) return fail({code: 'state'});
    if ((flags & ~(GROUP_HANDOVER | GROUP_CLAIM)) !== 0) return fail({code: 'reserved'});
    if (seen.has(vrid)) return fail({code: 'duplicate-group'});
    if (end > bytes.length) return fail({code: 'length'});
    seen.add(vrid);
    const addresses: {readonly hash: number; readonly assigned: boolean}[] = [];
    for (let at = offset + GROUP; at < end; at += ADDRESS) {
      const word = bytes.readUInt32BE(at);
      addresses.push({hash: word & 0x7fff_ffff, assigned: word >= ASSIGNED});
    }
    groups.push({
      vrid,
      role,
      priority: bytes[offset + 5] ?? 0,
      handover: (flags & GROUP_HANDOVER) !== 0,
      claim: (flags & GROUP_CLAIM) !== 0,
      addresses,
    });
    offset = end;
  }
  return offset === bytes.length ? ok(groups) : fail({code: 'length'});
}
