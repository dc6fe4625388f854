/** The joining side's comparison of two tables by digest. Pure. */
import {entriesOf} from './entry.ts';
import {entryAt, entryDigest, find, type Mirror} from './mirror.ts';
import {send, type Chunk, type Joiner, type JoinerEffect} from './resync-state.ts';
import {GROUP_SIZE, sameDigest, type Digest} from './resync-wire.ts';
import {bucketDigest, groupDigest} from './table.ts';

/** Groups requested at once. */
const ASKED_AT_ONCE = 8;

/** Begins a round: requests the digests of all groups. */
export function compare(joiner: Joiner, now: number, out: JoinerEffect[]): void {
  joiner.round += 1;
  joiner.step = 'groups';
  joiner.askedAt = now;
  joiner.heardAt = now;
  joiner.groups.clear();
  joiner.asked.clear();
  joiner.differing = new Map();
  send(out, {type: 'ask-groups', session: joiner.session, round: joiner.round});
}

/** Whether the donor has something here that may be missing: not if it is empty there. */
const differs = (digest: Digest, donors: Digest): boolean => donors.count > 0 && !sameDigest(digest, donors);

export function onGroups(
  joiner: Joiner,
  digests: readonly Digest[],
  now: number,
  mirror: Mirror,
  out: JoinerEffect[],
  follows: boolean,
): void {
  if (joiner.step !== 'groups') return;
  joiner.step = 'buckets';
  joiner.askedAt = now;
  for (const [group, digest] of digests.entries())
    if (differs(groupDigest(mirror, group), digest)) joiner.groups.add(group);
  askBuckets(joiner, out);
  if (joiner.groups.size === 0) judge(joiner, now, mirror, out, follows);
}

export function askBuckets(joiner: Joiner, out: JoinerEffect[]): void {
  const {session, round} = joiner;
  for (const group of joiner.groups) {
    if (joiner.asked.size >= ASKED_AT_ONCE) return;
    if (joiner.asked.has(group)) continue;
    joiner.asked.add(group);
    send(out, {type: 'ask-buckets', session, round, group});
  }
}

export function onBuckets(
  joiner: Joiner,
  group: number,
  digests: readonly Digest[],
  now: number,
  mirror: Mirror,
  out: JoinerEffect[],
  follows: boolean,
): void {
  if (joiner.step !== 'buckets' || !joiner.groups.delete(group)) return;
  joiner.asked.delete(group);
  joiner.askedAt = now;
  for (const [index, digest] of digests.entries()) {
    const bucket = group * GROUP_SIZE + index;
    if (differs(bucketDigest(mirror, bucket), digest)) joiner.differing.set(bucket, digest);
  }
  askBuckets(joiner, out);
  if (joiner.groups.size === 0) judge(joiner, now, mirror, out, follows);
}

/** All digests of this round have arrived. */
function judge(joiner: Joiner, now: number, mirror: Mirror, out: JoinerEffect[], follows: boolean): void {
  const standing = [...joiner.differing].filter(([bucket, digest]) => {
    const before = joiner.before.get(bucket);
    const ours = joiner.covered.get(bucket);
    // What it had then may have expired here since.
    if (ours && joiner.phase === 'in-sync' && !sameDigest(ours, bucketDigest(mirror, bucket)))
      joiner.covered.delete(bucket);
    if (!before || !sameDigest(before, digest)) {
      joiner.covered.delete(bucket);
      // The first comparison: everything counts.
      return joiner.phase !== 'in-sync' && joiner.round === 1;
    }
    return !joiner.covered.has(bucket);
  });
  joiner.missing = standing.reduce(
    (sum, [bucket, digest]) =>
      sum + Math.max(follows ? 1 : 0, digest.count - bucketDigest(mirror, bucket).count),
    0,
  );
  if (standing.length === 0 && joiner.phase !== 'in-sync') {
    out.push({type: 'verdict', inSync: true, took: now - joiner.startedAt, rounds: joiner.round});
    joiner.settled = true;
    joiner.phase = 'in-sync';
  }
  joiner.askedAt = now;
  const wanted = [...joiner.differing.keys()].filter((bucket) => !joiner.covered.has(bucket));
  if (wanted.length === 0 || (joiner.phase === 'in-sync' && (!follows || standing.length === 0))) {
    joiner.before = joiner.differing;
    joiner.step = 'idle';
    return;
  }
  joiner.step = 'chunks';
  joiner.lastNumber = undefined;
  joiner.lacking.clear();
  send(out, {type: 'repair', session: joiner.session, round: joiner.round, buckets: wanted});
}

/** Notes the buckets of which a repair delivered an entry that the mirror does not have now. */
export function checkRepair(joiner: Joiner, chunk: Chunk, mirror: Mirror, follows: boolean): void {
  for (const start of entriesOf(chunk.message) ?? []) {
    const {bucket, low} = entryDigest(mirror, chunk.message, start);
    const slot = find(mirror, chunk.message, start);
    const entry = slot < 0 ? undefined : entryAt(mirror, slot);
    // A side that does not follow the donor has the better state itself: the connection only needs to exist.
    if (!entry || (follows && entryDigest(mirror, entry, 0).low !== low)) joiner.lacking.add(bucket);
    else joiner.repaired += 1;
  }
}

/**
 * After a repair: which of its buckets have everything the donor sent. What makes them differ all the same is only here, or
 * about to expire there: the donor does not send it.
 */
export function closeRepair(joiner: Joiner, mirror: Mirror): void {
  for (const bucket of joiner.differing.keys())
    if (!joiner.lacking.has(bucket) && !joiner.covered.has(bucket))
      joiner.covered.set(bucket, bucketDigest(mirror, bucket));
  joiner.before = joiner.differing;
}
