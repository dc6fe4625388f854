/** The mirror for the resync: its digests, and its entries in chunks. Pure. */
import {HEADER, MAX_ENTRIES, writeHeader} from './entry.ts';
import {BUCKETS, expiryOf, pack, packedSize, slotsOf, type Mirror} from './mirror.ts';
import {CHUNK_OVERHEAD, GROUP_SIZE, REMAINING, type Digest} from './resync-wire.ts';

/** An entry that expires within this many seconds is not worth sending: it would only bounce between two mirrors. */
export const SHORTEST = 2;

export const bucketDigest = (mirror: Mirror, bucket: number): Digest => ({
  count: mirror.counts[bucket]!,
  low: mirror.low[bucket]!,
  high: mirror.highHalf[bucket]!,
});

export function groupDigest(mirror: Mirror, group: number): Digest {
  const sum = {count: 0, low: 0, high: 0};
  // Each bucket's index is mixed in, so that an entry in the wrong bucket does not cancel out.
  for (let bucket = group * GROUP_SIZE; bucket < (group + 1) * GROUP_SIZE; bucket += 1) {
    sum.count += mirror.counts[bucket]!;
    sum.low = (sum.low + Math.imul(mirror.low[bucket]!, 2 * bucket + 1)) >>> 0;
    sum.high = (sum.high + Math.imul(mirror.highHalf[bucket]!, 2 * bucket + 1)) >>> 0;
  }
  return sum;
}

/** The position of a walk over the table: in the slots (the whole table) or in a list of buckets. */
export interface Walk {
  readonly buckets?: readonly number[];
  /** The next slot, or the next index in `buckets`. */
  index: number;
  /** Unsent slots of the current bucket. */
  pending: number[];
}

export const wholeTable = (): Walk => ({index: 0, pending: []});
export const someBuckets = (buckets: readonly number[]): Walk => ({buckets, index: 0, pending: []});

export interface Piece {
  readonly message: Buffer;
  readonly remaining: Buffer;
  /** Whether it is the last. */
  readonly last: boolean;
}

/** Messages are assembled here word by word: an object per entry would cost more than everything else. */
const octets = new Uint8Array(new ArrayBuffer(65_536));
const words = new Uint32Array(octets.buffer);

/** Takes the next piece of at most `room` octets (with the chunk's overhead) from the table and advances the walk. */
export function cut(mirror: Mirror, walk: Walk, room: number, now: number): Piece {
  const remaining: number[] = [];
  let left = room - CHUNK_OVERHEAD;
  let end = HEADER;
  for (;;) {
    const slot = peek(mirror, walk);
    if (slot === undefined) break;
    const size = packedSize(mirror, slot);
    const lives = size > 0 ? expiryOf(mirror, slot) - now : 0;
    if (lives >= SHORTEST) {
      const needs = size + REMAINING;
      if (remaining.length > 0 && (needs > left || remaining.length === MAX_ENTRIES)) break;
      left -= needs;
      pack(mirror, slot, words, octets, end / 4);
      end += size;
      remaining.push(lives);
    }
    advance(walk);
  }
  const packed = Buffer.allocUnsafe(remaining.length * REMAINING);
  for (const [index, lives] of remaining.entries()) packed.writeUInt32BE(lives, index * REMAINING);
  const message = Buffer.from(octets.subarray(0, end));
  writeHeader(message, 0, remaining.length);
  return {message, remaining: packed, last: peek(mirror, walk) === undefined};
}

function peek(mirror: Mirror, walk: Walk): number | undefined {
  if (!walk.buckets) return walk.index < mirror.high ? walk.index : undefined;
  while (walk.pending.length === 0) {
    const bucket = walk.buckets[walk.index];
    if (bucket === undefined) return undefined;
    walk.index += 1;
    if (bucket < BUCKETS) walk.pending = slotsOf(mirror, bucket);
  }
  // Between two pieces a slot may have been reused for another bucket's connection: that one is sent too.
  return walk.pending[0];
}

const advance = (walk: Walk): void => {
  if (walk.buckets) walk.pending.shift();
  else walk.index += 1;
};
