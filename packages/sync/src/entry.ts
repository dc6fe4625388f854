/**
 * One connection as its octets in a version-1 message, without creating an object: a table of a million depends on that.
 * Offsets are those of message.ts's diagram. Pure.
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
/** A message's connection count is one octet. */
export const MAX_ENTRIES = 255;
/** Entries of one injected message: with IPv6 it must not exceed what the backup daemon accepts (BACKUP_MAXLEN). */
export const INJECTED_AT_ONCE = 200;

/** Entries in pieces of at most `size`, for one message each. */
export const piecesOf = (entries: readonly Buffer[], size: number): Buffer[][] =>
  Array.from({length: Math.ceil(entries.length / size)}, (_, piece) =>
    entries.slice(piece * size, (piece + 1) * size),
  );

/** The fixed part's length: 36 for IPv4, 72 for IPv6. */
export const fixedLength = (bytes: Buffer, start: number): number =>
  (bytes[start] ?? 0) & 1 ? FIXED_V6 : FIXED_V4;

/** The length of fixed part and options, without padding. */
export const sizeOf = (bytes: Buffer, start: number): number =>
  ((bytes[start + offset.size] ?? 0) & 0x0f) * 256 + (bytes[start + offset.size + 1] ?? 0);

/** The reserved network of @hactl/ipvs, 127.88.48.0/24, as the first three octets of an address. */
const PULSE = 0x7f_58_30;

/** Whether the entry is one of the pulse's own connections (pulse.ts), which are kept in no table and not reported. */
export const isPulse = (bytes: Buffer, start: number): boolean =>
  ((bytes[start] ?? 0) & 1) === 0 && bytes.readUIntBE(start + offset.addresses + 4, 3) === PULSE;

export const isTemplate = (bytes: Buffer, start: number): boolean =>
  (bytes.readUInt32BE(start + offset.flags) & connectionFlag.template) !== 0;

/**
 * The offsets of the entries of a version-1 message; undefined if it is malformed. Options are checked for their lengths only:
 * the kernel parses them itself.
 */
export function entriesOf(bytes: Buffer): number[] | undefined {
  if (bytes.length < HEADER || bytes[0] !== 0 || bytes[5] !== 1) return undefined;
  if (bytes.readUInt16BE(2) !== bytes.length || bytes.readUInt16BE(6) !== 0) return undefined;
  const starts: number[] = [];
  let start = HEADER;
  for (let left = bytes[4] ?? 0; left > 0; left -= 1) {
    if (bytes.length - start < FIXED_V4) return undefined;
    const size = sizeOf(bytes, start);
    if ((bytes[start + offset.size] ?? 0) >> 4 !== 0 || (bytes[start] ?? 0) > 1) return undefined;
    if (size < fixedLength(bytes, start) || size > bytes.length - start || !optionsFit(bytes, start, size))
      return undefined;
    starts.push(start);
    start = Math.min(bytes.length, start + ((size + 3) & ~3));
  }
  return start === bytes.length ? starts : undefined;
}

function optionsFit(bytes: Buffer, start: number, size: number): boolean {
  let offset = start + fixedLength(bytes, start);
  const end = start + size;
  while (offset < end) {
    const length = bytes[offset + 1] ?? 0;
    if (length === 0 || offset + 2 + length > end) return false;
    offset += 2 + length;
  }
  return true;
}

/** The entries of a message at `starts`, as octets without padding. */
export const entriesOfMessage = (message: Buffer, starts: readonly number[]): Buffer[] =>
  starts.map((start) => message.subarray(start, start + sizeOf(message, start)));

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
  let start = HEADER;
  for (const entry of entries) {
    entry.copy(bytes, start);
    start += (entry.length + 3) & ~3;
  }
  writeHeader(bytes, syncid, entries.length);
  return bytes;
}

/** Writes a message's header before entries already in place. */
export function writeHeader(message: Buffer, syncid: number, entries: number): void {
  message.fill(0, 0, HEADER);
  message[1] = syncid;
  message.writeUInt16BE(message.length, 2);
  message[4] = entries;
  message[5] = 1;
}

/** Default timeouts of the kernel's states in seconds (ip_vs_proto_tcp.c), for messages that carry none. */
const TCP_TIMEOUTS = [2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120];

/** The kernel's default timeout of a connection in this state, in seconds. */
export const defaultTimeout = (protocol: number, state: number): number =>
  protocol === 6 ? (TCP_TIMEOUTS[state] ?? 60) : 300;

/** How long the kernel keeps this entry without further messages, in seconds. */
export function timeoutOf(bytes: Buffer, start: number): number {
  const timeout = bytes.readUInt32BE(start + offset.timeout);
  if (timeout > 0) return timeout;
  if (isTemplate(bytes, start)) return 180;
  return defaultTimeout(bytes[start + offset.protocol] ?? 0, bytes.readUInt16BE(start + offset.state));
}

const mix = (hash: number, word: number): number => {
  const part = Math.imul(word, 0xcc9e2d51);
  const turned = hash ^ Math.imul((part << 15) | (part >>> 17), 0x1b873593);
  return Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64;
};

const finish = (hash: number): number => {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const two = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (two ^ (two >>> 16)) >>> 0;
};

/*
 * The hashes work on words of an aligned copy of the entry, in this machine's byte order (little-endian on all machines that
 * Debian's IPVS runs on in pairs): reading single octets costs several times as much.
 */

const WORDS_V4 = FIXED_V4 / 4;
export const WORDS_V6 = FIXED_V6 / 4;
/** Forwarding method and template flag in the second word, the flags' octets being in network order. */
const METHOD = 0x0700_0000;
const TEMPLATE = 0x0010_0000;

export const wordsOf = (words: Uint32Array, start: number): number =>
  (words[start]! & 1) === 1 ? WORDS_V6 : WORDS_V4;

/** Hash of a connection's key: family, protocol, template or not, client and virtual address and port. 32 bits. */
export function keyHash(seed: number, words: Uint32Array, start: number): number {
  // Type and protocol in the lower half of the first word, the client's port in the upper half of the third.
  let hash = mix(seed, (words[start]! & 0xff01) | (words[start + 1]! & TEMPLATE));
  hash = mix(hash, (words[start + 2]! & 0xffff_0000) | (words[start + 3]! & 0xffff));
  const end = start + ((words[start]! & 1) === 1 ? 14 : 8);
  for (let index = start + 6; index < end; index += 1) hash = mix(hash, words[index]!);
  return finish(hash);
}

export function sameKey(left: Uint32Array, start: number, words: Uint32Array, otherAt: number): boolean {
  if (((left[start]! ^ words[otherAt]!) & 0xff01) !== 0) return false;
  if (((left[start + 1]! ^ words[otherAt + 1]!) & TEMPLATE) !== 0) return false;
  if (((left[start + 2]! ^ words[otherAt + 2]!) & 0xffff_0000) !== 0) return false;
  if (((left[start + 3]! ^ words[otherAt + 3]!) & 0xffff) !== 0) return false;
  const end = (left[start]! & 1) === 1 ? 14 : 8;
  for (let index = 6; index < end; index += 1)
    if (left[start + index] !== words[otherAt + index]) return false;
  return true;
}

/**
 * Hash of what two directors must agree on: the key, forwarding method, state, destination, mark; 64 bits, left in `digest`.
 * Excludes timers and kernel-internal flags.
 */
export function digestOf(key: number, words: Uint32Array, start: number): void {
  let low = mix(key ^ 0x9e3779b9, words[start]! & 0xff01);
  let high = mix(key ^ 0x7f4a7c15, words[start + 1]! & (METHOD | TEMPLATE));
  low = mix(low, words[start + 1]! & (METHOD | TEMPLATE));
  const end = start + wordsOf(words, start);
  for (let index = start + 2; index < end; index += 1) {
    // The sixth is the timeout.
    if (index === start + 5) continue;
    low = mix(low, words[index]!);
    high = mix(high, words[index]! ^ 0x2545f491);
  }
  digest.low = finish(low);
  digest.high = finish(high);
}

/** The last result of digestOf: an object per call, for millions of calls, would cost more than the hash. */
export const digest = {low: 0, high: 0};
