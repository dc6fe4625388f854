/**
 * One connection as its octets in a version-1 message, without an object made of it: a table of a million lives from
 * that. Offsets are those of message.ts's picture. Pure.
 */
import {connectionFlag, decodeSyncMessage, encodeSyncMessage} from './message.ts';

/** Offsets within an entry. */
export const offset = {
  type: 0,
  protocol: 1,
  size: 2,
  flags: 4,
  state: 8,
  clientPort: 10,
  virtualPort: 12,
  destinationPort: 14,
  fwmark: 16,
  timeout: 20,
  addresses: 24,
} as const;

export const HEADER = 8;
export const FIXED_V4 = 36;
export const FIXED_V6 = 72;
/** The kernel's count of a message is one octet. */
export const MAX_ENTRIES = 255;

/** The fixed part's length: 36 for IPv4, 72 for IPv6. */
export const fixedLength = (bytes: Buffer, at: number): number =>
  (bytes[at] ?? 0) & 1 ? FIXED_V6 : FIXED_V4;

/** The length of fixed part and options, without padding. */
export const sizeOf = (bytes: Buffer, at: number): number =>
  ((bytes[at + offset.size] ?? 0) & 0x0f) * 256 + (bytes[at + offset.size + 1] ?? 0);

export const isTemplate = (bytes: Buffer, at: number): boolean =>
  (bytes.readUInt32BE(at + offset.flags) & connectionFlag.template) !== 0;

/**
 * Where the entries of a version-1 message begin; undefined for anything that is not one, octet for octet. Options are
 * checked for their lengths only: the kernel reads them itself.
 */
export function entriesOf(bytes: Buffer): number[] | undefined {
  if (bytes.length < HEADER || bytes[0] !== 0 || bytes[5] !== 1) return undefined;
  if (bytes.readUInt16BE(2) !== bytes.length || bytes.readUInt16BE(6) !== 0) return undefined;
  const starts: number[] = [];
  let at = HEADER;
  for (let left = bytes[4] ?? 0; left > 0; left -= 1) {
    if (bytes.length - at < FIXED_V4) return undefined;
    const size = sizeOf(bytes, at);
    if ((bytes[at + offset.size] ?? 0) >> 4 !== 0 || (bytes[at] ?? 0) > 1) return undefined;
    if (size < fixedLength(bytes, at) || size > bytes.length - at || !optionsFit(bytes, at, size))
      return undefined;
    starts.push(at);
    at = Math.min(bytes.length, at + ((size + 3) & ~3));
  }
  return at === bytes.length ? starts : undefined;
}

function optionsFit(bytes: Buffer, at: number, size: number): boolean {
  let place = at + fixedLength(bytes, at);
  const end = at + size;
  while (place < end) {
    const length = bytes[place + 1] ?? 0;
    if (length === 0 || place + 2 + length > end) return false;
    place += 2 + length;
  }
  return true;
}

/** A message of either version as version 1, or undefined. */
export function asVersion1(bytes: Buffer): Buffer | undefined {
  if (bytes.length >= HEADER && bytes[0] === 0 && bytes[5] === 1) return bytes;
  const decoded = decodeSyncMessage(bytes);
  return decoded.ok ? encodeSyncMessage(decoded.value.syncid, decoded.value.connections) : undefined;
}

/** Builds a version-1 message from entries' octets. */
export function messageOf(syncid: number, entries: readonly Buffer[]): Buffer {
  let length = HEADER;
  for (const entry of entries) length += (entry.length + 3) & ~3;
  const bytes = Buffer.alloc(length);
  let at = HEADER;
  for (const entry of entries) {
    entry.copy(bytes, at);
    at += (entry.length + 3) & ~3;
  }
  bytes[1] = syncid;
  bytes.writeUInt16BE(length, 2);
  bytes[4] = entries.length;
  bytes[5] = 1;
  return bytes;
}

/** Default timeouts of the kernel's states in seconds (ip_vs_proto_tcp.c), for messages that carry none. */
const TCP_TIMEOUTS = [2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120];

/** How long the kernel keeps this entry when nothing more is heard of it, in seconds. */
export function timeoutOf(bytes: Buffer, at: number): number {
  const said = bytes.readUInt32BE(at + offset.timeout);
  if (said > 0) return said;
  if (isTemplate(bytes, at)) return 180;
  if (bytes[at + offset.protocol] === 6) return TCP_TIMEOUTS[bytes.readUInt16BE(at + offset.state)] ?? 60;
  return 300;
}

const mix = (hash: number, word: number): number => {
  const part = Math.imul(word, 0xcc9e2d51);
  const turned = hash ^ Math.imul((part << 15) | (part >>> 17), 0x1b873593);
  return Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64;
};

const finish = (hash: number): number => {
  const one = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const two = Math.imul(one ^ (one >>> 13), 0xc2b2ae35);
  return (two ^ (two >>> 16)) >>> 0;
};

/** What tells connections apart: family, protocol, template or not, client and virtual address and port. 32 bits. */
export function keyHash(seed: number, bytes: Buffer, at: number): number {
  let hash = mix(
    seed,
    ((bytes[at] ?? 0) & 1) | ((bytes[at + 1] ?? 0) << 8) | (isTemplate(bytes, at) ? 2 : 0),
  );
  hash = mix(hash, bytes.readUInt32BE(at + offset.clientPort));
  const end = at + offset.addresses + ((bytes[at] ?? 0) & 1 ? 32 : 8);
  for (let place = at + offset.addresses; place < end; place += 4)
    hash = mix(hash, bytes.readUInt32BE(place));
  return finish(hash);
}

export function sameKey(one: Buffer, at: number, other: Buffer, there: number): boolean {
  if (one[at] !== other[there] || one[at + 1] !== other[there + 1]) return false;
  if (one.readUInt32BE(at + offset.clientPort) !== other.readUInt32BE(there + offset.clientPort))
    return false;
  if (isTemplate(one, at) !== isTemplate(other, there)) return false;
  const end = (one[at] ?? 0) & 1 ? 56 : 32;
  for (let place: number = offset.addresses; place < end; place += 4)
    if (one.readUInt32BE(at + place) !== other.readUInt32BE(there + place)) return false;
  return true;
}

/**
 * What two directors must agree on besides the key: forwarding method, state, destination, mark. Timers are not in it,
 * and neither are the flags that a kernel keeps for itself.
 */
export function contentHash(key: number, lane: number, bytes: Buffer, at: number): number {
  let hash = mix(key ^ lane, bytes.readUInt32BE(at + offset.flags) & connectionFlag.forwardMask);
  hash = mix(
    hash,
    (bytes.readUInt16BE(at + offset.state) << 16) | bytes.readUInt16BE(at + offset.destinationPort),
  );
  hash = mix(hash, bytes.readUInt32BE(at + offset.fwmark));
  const v6 = ((bytes[at] ?? 0) & 1) === 1;
  const end = at + (v6 ? FIXED_V6 : FIXED_V4);
  // The client's and virtual's addresses once more: the key's 32 bits alone would let two keys pass for one.
  for (let place = at + offset.addresses; place < end; place += 4)
    hash = mix(hash, bytes.readUInt32BE(place));
  return finish(mix(hash, bytes.readUInt32BE(at + offset.clientPort)));
}
