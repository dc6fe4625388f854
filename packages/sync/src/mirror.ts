/**
 * A director's connection table in the sync process's memory: the kernel would take minutes to list it. Entries are stored as
 * the octets of their sync message in slabs of typed arrays, found through open addressing. Memory: 80 octets for an entry and
 * 4 to 8 for the index. No clock inside: `now` is in whole seconds, of any origin.
 *
 * The index is ordered by hash, so the entries of one digest bucket (the hash's upper 12 bits) are contiguous in it and can be
 * listed without a separate chain.
 */
import {
  digest,
  digestOf,
  entriesOf,
  fixedLength,
  FIXED_V6,
  isPulse,
  keyHash,
  sameKey,
  sizeOf,
  timeoutOf,
  WORDS_V6,
  wordsOf,
} from './entry.ts';

export const BUCKETS = 4_096;
const BUCKET_SHIFT = 20;
const SLAB_BITS = 13;
const SLAB = 1 << SLAB_BITS;
/** Room for an IPv6 entry. */
const STRIDE = FIXED_V6;
const NONE = 0;

interface Slab {
  readonly bytes: Buffer;
  /** The same memory. */
  readonly words: Uint32Array;
  /** The second in which the entry expires; 0: the slot is free. */
  readonly expires: Uint32Array;
  /** The key's hash; for a free slot, the next free one + 1. */
  readonly hash: Uint32Array;
}

export interface Mirror {
  seed: number;
  readonly slabs: Slab[];
  /** Slot + 1 in the order of the hash; 0 is empty. */
  index: Uint32Array;
  indexBits: number;
  size: number;
  /** Slots ever used: all live ones are below. */
  high: number;
  freeHead: number;
  /** Per bucket: the sum of its entries' 64-bit hashes in two halves. */
  readonly low: Uint32Array;
  readonly highHalf: Uint32Array;
  readonly counts: Uint32Array;
  /** Sequence numbers and persistence-engine data: few connections have them. */
  readonly options: Map<number, Buffer>;
}

export function createMirror(seed: number): Mirror {
  const indexBits = 13;
  return {
    seed,
    slabs: [],
    index: new Uint32Array(1 << indexBits),
    indexBits,
    size: 0,
    high: 0,
    freeHead: NONE,
    low: new Uint32Array(BUCKETS),
    highHalf: new Uint32Array(BUCKETS),
    counts: new Uint32Array(BUCKETS),
    options: new Map(),
  };
}

const slabOf = (mirror: Mirror, slot: number): Slab => mirror.slabs[slot >>> SLAB_BITS]!;
const placeOf = (slot: number): number => (slot & (SLAB - 1)) * STRIDE;
const wordOf = (slot: number): number => (slot & (SLAB - 1)) * WORDS_V6;
const hashOf = (mirror: Mirror, slot: number): number => slabOf(mirror, slot).hash[slot & (SLAB - 1)]!;
const homeOf = (mirror: Mirror, hash: number): number => hash >>> (32 - mirror.indexBits);

/** The incoming entry, aligned. */
const scratch = Buffer.from(new ArrayBuffer(STRIDE));
const incoming = new Uint32Array(scratch.buffer);

/** Octet by octet: for so few, a native call would cost more. */
function align(bytes: Buffer, start: number): void {
  const length = fixedLength(bytes, start);
  for (let octet = 0; octet < length; octet += 1) scratch[octet] = bytes[start + octet]!;
}

/** Adds an entry to its bucket's digest (sign 1) or subtracts it (sign -1). */
function tally(mirror: Mirror, slot: number, sign: 1 | -1): void {
  const slab = slabOf(mirror, slot);
  const hash = slab.hash[slot & (SLAB - 1)]!;
  const bucket = hash >>> BUCKET_SHIFT;
  digestOf(hash, slab.words, wordOf(slot));
  mirror.low[bucket]! += sign * digest.low;
  mirror.highHalf[bucket]! += sign * digest.high;
  mirror.counts[bucket]! += sign;
}

/** The digest of a single entry's octets, as summed in its bucket. */
export function entryDigest(
  mirror: Mirror,
  bytes: Buffer,
  start: number,
): {readonly bucket: number; readonly low: number; readonly high: number} {
  align(bytes, start);
  const hash = keyHash(mirror.seed, incoming, 0);
  digestOf(hash, incoming, 0);
  return {bucket: hash >>> BUCKET_SHIFT, low: digest.low, high: digest.high};
}

/** The slot of the aligned entry's key, or -1. */
function locate(mirror: Mirror, hash: number): number {
  const mask = mirror.index.length - 1;
  for (let index = homeOf(mirror, hash); ; index = (index + 1) & mask) {
    const found = mirror.index[index]!;
    if (found === NONE) return -1;
    const slot = found - 1;
    const slab = slabOf(mirror, slot);
    if (slab.hash[slot & (SLAB - 1)] === hash && sameKey(slab.words, wordOf(slot), incoming, 0)) return slot;
  }
}

/** The slot of the connection with this entry's key, or -1. */
export function find(mirror: Mirror, bytes: Buffer, start: number): number {
  align(bytes, start);
  return locate(mirror, keyHash(mirror.seed, incoming, 0));
}

function enter(mirror: Mirror, slot: number, hash: number): void {
  const mask = mirror.index.length - 1;
  let index = homeOf(mirror, hash);
  while (mirror.index[index] !== NONE) index = (index + 1) & mask;
  mirror.index[index] = slot + 1;
}

/** Beyond three quarters full the index doubles; the entries stay in place. */
function makeRoom(mirror: Mirror, newcomer: number): void {
  if (mirror.size * 4 <= mirror.index.length * 3) return;
  mirror.indexBits += 1;
  mirror.index = new Uint32Array(1 << mirror.indexBits);
  for (let slot = 0; slot < mirror.high; slot += 1)
    if (slot !== newcomer && expiryOf(mirror, slot) !== 0) enter(mirror, slot, hashOf(mirror, slot));
}

const slabMemory = (): Pick<Slab, 'bytes' | 'words'> => {
  const memory = new ArrayBuffer(SLAB * STRIDE);
  return {bytes: Buffer.from(memory), words: new Uint32Array(memory)};
};

function allocateSlot(mirror: Mirror): number {
  if (mirror.freeHead !== NONE) {
    const slot = mirror.freeHead - 1;
    mirror.freeHead = hashOf(mirror, slot);
    return slot;
  }
  const slot = mirror.high;
  if (slot >>> SLAB_BITS === mirror.slabs.length)
    mirror.slabs.push({
      ...slabMemory(),
      expires: new Uint32Array(SLAB),
      hash: new Uint32Array(SLAB),
    });
  mirror.high += 1;
  return slot;
}

/** The second in which the entry expires; 0 if the slot is free. */
export const expiryOf = (mirror: Mirror, slot: number): number =>
  slabOf(mirror, slot).expires[slot & (SLAB - 1)]!;

/**
 * Stores one entry. `remaining`: its remaining lifetime, if known better than by its timeout (passed by a resync, so that two
 * mirrors do not prolong each other's dead connections forever).
 */
export function upsert(
  mirror: Mirror,
  bytes: Buffer,
  start: number,
  now: number,
  remaining: number = timeoutOf(bytes, start),
): 'new' | 'changed' | 'same' {
  align(bytes, start);
  const hash = keyHash(mirror.seed, incoming, 0);
  const known = locate(mirror, hash);
  const slot = known < 0 ? allocateSlot(mirror) : known;
  const slab = slabOf(mirror, slot);
  const within = slot & (SLAB - 1);
  const base = wordOf(slot);
  let changed = false;
  if (known >= 0) {
    digestOf(hash, incoming, 0);
    const {low, high} = digest;
    digestOf(hash, slab.words, base);
    changed = low !== digest.low || high !== digest.high;
    if (changed) tally(mirror, slot, -1);
  }
  for (let word = wordsOf(incoming, 0) - 1; word >= 0; word -= 1) slab.words[base + word] = incoming[word]!;
  slab.hash[within] = hash;
  slab.expires[within] = Math.max(1, now + remaining);
  const fixed = fixedLength(bytes, start);
  const size = sizeOf(bytes, start);
  if (size > fixed) mirror.options.set(slot, Buffer.from(bytes.subarray(start + fixed, start + size)));
  else if (known >= 0) mirror.options.delete(slot);
  if (known < 0) {
    mirror.size += 1;
    makeRoom(mirror, slot);
    enter(mirror, slot, hash);
  }
  if (known < 0 || changed) tally(mirror, slot, 1);
  return known < 0 ? 'new' : changed ? 'changed' : 'same';
}

/** Stores a whole version-1 message; returns the number of entries, or -1 if it is malformed. */
export function upsertMessage(mirror: Mirror, message: Buffer, now: number): number {
  const starts = entriesOf(message)?.filter((start) => !isPulse(message, start));
  if (!starts) return -1;
  for (const start of starts) upsert(mirror, message, start, now);
  return starts.length;
}

export function remove(mirror: Mirror, slot: number): void {
  tally(mirror, slot, -1);
  const mask = mirror.index.length - 1;
  let hole = homeOf(mirror, hashOf(mirror, slot));
  while (mirror.index[hole] !== slot + 1) hole = (hole + 1) & mask;
  // Following entries move up if the hole is on their probe path: without tombstones probe sequences stay short.
  for (let index = (hole + 1) & mask; mirror.index[index] !== NONE; index = (index + 1) & mask) {
    const home = homeOf(mirror, hashOf(mirror, mirror.index[index]! - 1));
    if (((index - home) & mask) < ((index - hole) & mask)) continue;
    mirror.index[hole] = mirror.index[index]!;
    hole = index;
  }
  mirror.index[hole] = NONE;
  const slab = slabOf(mirror, slot);
  slab.expires[slot & (SLAB - 1)] = 0;
  slab.hash[slot & (SLAB - 1)] = mirror.freeHead;
  mirror.freeHead = slot + 1;
  mirror.options.delete(slot);
  mirror.size -= 1;
}

/** Rehashes everything: two mirrors can be compared only with the same seed. Slots stay in place. */
export function reseed(mirror: Mirror, seed: number): void {
  mirror.seed = seed;
  mirror.index.fill(NONE);
  for (const sums of [mirror.low, mirror.highHalf, mirror.counts]) sums.fill(0);
  for (let slot = 0; slot < mirror.high; slot += 1) {
    if (expiryOf(mirror, slot) === 0) continue;
    const slab = slabOf(mirror, slot);
    const hash = keyHash(seed, slab.words, wordOf(slot));
    slab.hash[slot & (SLAB - 1)] = hash;
    enter(mirror, slot, hash);
    tally(mirror, slot, 1);
  }
}

/** Removes entries that have expired by `now`; returns their number. */
export function sweep(mirror: Mirror, now: number): number {
  let gone = 0;
  for (let first = 0; first < mirror.high; first += SLAB) {
    const {expires} = slabOf(mirror, first);
    for (let within = 0; within < SLAB; within += 1) {
      const end = expires[within]!;
      if (end === 0 || end > now) continue;
      remove(mirror, first + within);
      gone += 1;
    }
  }
  return gone;
}

/** An entry's octets, options included; undefined for a free slot. */
export function entryAt(mirror: Mirror, slot: number): Buffer | undefined {
  if (slot >= mirror.high || expiryOf(mirror, slot) === 0) return undefined;
  const {bytes} = slabOf(mirror, slot);
  const start = placeOf(slot);
  const fixed = bytes.subarray(start, start + fixedLength(bytes, start));
  const extra = mirror.options.get(slot);
  return extra ? Buffer.concat([fixed, extra]) : fixed;
}

/** The size of an entry in a message, with options and padding; 0: the slot is free. */
export function packedSize(mirror: Mirror, slot: number): number {
  if (slot >= mirror.high || expiryOf(mirror, slot) === 0) return 0;
  const fixed = 4 * wordsOf(slabOf(mirror, slot).words, wordOf(slot));
  return fixed + (((mirror.options.get(slot)?.length ?? 0) + 3) & ~3);
}

/** Writes an entry's octets, with options, at a word of `into` (whose memory `octets` shares). */
export function pack(
  mirror: Mirror,
  slot: number,
  into: Uint32Array,
  octets: Uint8Array,
  word: number,
): void {
  const {words} = slabOf(mirror, slot);
  const base = wordOf(slot);
  const fixed = wordsOf(words, base);
  for (let index = 0; index < fixed; index += 1) into[word + index] = words[base + index]!;
  const extra = mirror.options.get(slot);
  if (!extra) return;
  into.fill(0, word + fixed, word + fixed + ((extra.length + 3) >> 2));
  octets.set(extra, 4 * (word + fixed));
}

/** The live slots of a digest bucket. */
export function slotsOf(mirror: Mirror, bucket: number): number[] {
  const mask = mirror.index.length - 1;
  const width = mirror.index.length / BUCKETS;
  const slots: number[] = [];
  const start = bucket * width;
  for (let step = 0; step <= mask; step += 1) {
    const found = mirror.index[(start + step) & mask]!;
    if (found === NONE) {
      if (step >= width) break;
      continue;
    }
    if (hashOf(mirror, found - 1) >>> BUCKET_SHIFT === bucket) slots.push(found - 1);
  }
  return slots;
}
