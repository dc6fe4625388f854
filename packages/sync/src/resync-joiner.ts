/**
 * The side that takes the peer's table in. Pure, as the donor: time, messages and digests come in, effects go out, the
 * state is changed in place.
 *
 *   waiting -> transfer: all chunks, each acknowledged when the kernel has it
 *           -> compare:  digests of 64 groups, of the buckets of those that differ, repair of the buckets that differ,
 *                        and once more, until none is left that stands still at the donor and differs
 *           -> in-sync:  compared again now and then; what differs is repaired (on a standby) and counted
 *
 * A bucket that moved at the donor since it was last compared is not waited for: connections come and go, and the live
 * stream carries them. One that stands still and differs is a loss. One whose repair held all that the donor's digest
 * says, and that differs all the same, has more here than there: nothing is missing.
 */
import {entriesOf} from './entry.ts';
import {entryAt, entryDigest, find, type Mirror} from './mirror.ts';
import {
  GROUP_SIZE,
  GROUPS,
  sameDigest,
  type Digest,
  type ResyncMessage,
  type SyncPhase,
} from './resync-wire.ts';
import {bucketDigest, groupDigest} from './table.ts';

export interface JoinerOptions {
  /** After so many ms the verdict is 'deadline'; the work goes on. */
  readonly deadline: number;
  /** How often the tables are compared once they are in sync, in ms. */
  readonly compareEvery: number;
}

export const joinerDefaults: JoinerOptions = {deadline: 30_000, compareEvery: 5_000};

export type Chunk = ResyncMessage & {readonly type: 'chunk'};

export type JoinerEvent =
  /** The peer is there and new, or the operator asks. */
  | {readonly type: 'start'}
  | {readonly type: 'message'; readonly message: ResyncMessage}
  /** The kernel has these chunks' connections. */
  | {readonly type: 'injected'; readonly numbers: readonly number[]; readonly session: number}
  | {readonly type: 'tick'};

export type JoinerEffect =
  | {readonly type: 'send'; readonly message: ResyncMessage}
  | {readonly type: 'inject'; readonly chunk: Chunk}
  | {readonly type: 'verdict'; readonly inSync: boolean; readonly took: number; readonly rounds: number};

type Step = 'idle' | 'chunks' | 'groups' | 'buckets';

export interface Joiner {
  phase: SyncPhase;
  step: Step;
  session: number;
  round: number;
  startedAt: number;
  askedAt: number;
  heardAt: number;
  settled: boolean;
  /** All chunks below are injected. */
  next: number;
  readonly received: Set<number>;
  readonly injected: Set<number>;
  /** Number of the round's last chunk, once it came. */
  lastNumber: number | undefined;
  ackDue: boolean;
  /** Groups whose buckets were asked for. */
  readonly groups: Set<number>;
  /** The donor's digests of buckets that differ in this round, and in the one before. */
  differing: Map<number, Digest>;
  before: Map<number, Digest>;
  /** A repair's chunks until the kernel has them. */
  readonly repairs: Map<number, Chunk>;
  /** What the repair brought, per bucket. */
  brought: Map<number, {count: number; low: number; high: number}>;
  covered: Set<number>;
  missing: number;
  repaired: number;
}

export const makeJoiner = (session: number): Joiner => ({
  phase: 'waiting',
  step: 'idle',
  session,
  round: 0,
  startedAt: 0,
  askedAt: 0,
  heardAt: 0,
  settled: false,
  next: 0,
  received: new Set(),
  injected: new Set(),
  lastNumber: undefined,
  ackDue: false,
  groups: new Set(),
  differing: new Map(),
  before: new Map(),
  repairs: new Map(),
  brought: new Map(),
  covered: new Set(),
  missing: 0,
  repaired: 0,
});

const ASK_AGAIN = 300;
const SILENCE = 5_000;
/** Between two rounds: what is on its way may arrive. */
const BREATH = 100;
const ACK_BITS = 512;

/** One step; `now` in milliseconds. `repair`: differences are repaired also when in sync (not on the Active). */
export function joinerStep(
  joiner: Joiner,
  event: JoinerEvent,
  now: number,
  mirror: Mirror,
  options: JoinerOptions,
  repair = true,
): JoinerEffect[] {
  const out: JoinerEffect[] = [];
  switch (event.type) {
    case 'start':
      begin(joiner, now, out, true);
      break;
    case 'message':
      onMessage(joiner, event.message, now, mirror, out, repair);
      break;
    case 'injected':
      if (event.session === joiner.session) onInjected(joiner, event.numbers, now, mirror, out, repair);
      break;
    case 'tick':
      onTick(joiner, now, out, options);
  }
  return out;
}

const send = (out: JoinerEffect[], message: ResyncMessage): void => {
  out.push({type: 'send', message});
};

function begin(joiner: Joiner, now: number, out: JoinerEffect[], fresh: boolean): void {
  const {session, startedAt, settled} = joiner;
  Object.assign(joiner, makeJoiner((session + 1) >>> 0 || 1), {
    phase: 'transfer',
    step: 'chunks',
    // A transfer that is begun again because the donor fell silent keeps its deadline.
    startedAt: fresh ? now : startedAt,
    settled: fresh ? false : settled,
    askedAt: now,
    heardAt: now,
  });
  send(out, {type: 'start', session: joiner.session});
}

function onMessage(
  joiner: Joiner,
  message: ResyncMessage,
  now: number,
  mirror: Mirror,
  out: JoinerEffect[],
  repair: boolean,
): void {
  if (!('session' in message) || message.session !== joiner.session) return;
  joiner.heardAt = now;
  if (message.type === 'chunk') onChunk(joiner, message, out);
  else if (message.type === 'groups' && joiner.step === 'groups' && message.round === joiner.round) {
    joiner.step = 'buckets';
    joiner.askedAt = now;
    for (let group = 0; group < GROUPS; group += 1)
      if (!sameDigest(groupDigest(mirror, group), message.digests[group]!)) joiner.groups.add(group);
    for (const group of joiner.groups)
      send(out, {type: 'ask-buckets', session: joiner.session, round: joiner.round, group});
    if (joiner.groups.size === 0) judge(joiner, now, mirror, out, repair);
  } else if (message.type === 'buckets' && joiner.step === 'buckets' && message.round === joiner.round) {
    if (!joiner.groups.delete(message.group)) return;
    for (const [place, digest] of message.digests.entries()) {
      const bucket = message.group * GROUP_SIZE + place;
      if (!sameDigest(bucketDigest(mirror, bucket), digest)) joiner.differing.set(bucket, digest);
    }
    if (joiner.groups.size === 0) judge(joiner, now, mirror, out, repair);
  }
}

function onChunk(joiner: Joiner, chunk: Chunk, out: JoinerEffect[]): void {
  if (chunk.number < joiner.next || joiner.received.has(chunk.number)) {
    // The acknowledgement was lost, or the kernel is not done with it yet.
    joiner.ackDue = true;
    return;
  }
  joiner.received.add(chunk.number);
  if (chunk.last && chunk.round === joiner.round) joiner.lastNumber = chunk.number;
  if (chunk.round > 0 && chunk.round === joiner.round) joiner.repairs.set(chunk.number, chunk);
  out.push({type: 'inject', chunk});
}

/** Adds up what a repair brought, as far as it stands in the mirror now. */
function countRepair(joiner: Joiner, chunk: Chunk, mirror: Mirror, repair: boolean): void {
  for (const at of entriesOf(chunk.message) ?? []) {
    const {bucket, low, high} = entryDigest(mirror, chunk.message, at);
    const slot = find(mirror, chunk.message, at);
    const entry = slot < 0 ? undefined : entryAt(mirror, slot);
    // The Active's own state is the better one: there it is enough that the connection exists.
    if (!entry || (repair && entryDigest(mirror, entry, 0).low !== low)) continue;
    const sum = joiner.brought.get(bucket) ?? {count: 0, low: 0, high: 0};
    joiner.brought.set(bucket, {
      count: sum.count + 1,
      low: (sum.low + low) >>> 0,
      high: (sum.high + high) >>> 0,
    });
    joiner.repaired += 1;
  }
}

function onInjected(
  joiner: Joiner,
  numbers: readonly number[],
  now: number,
  mirror: Mirror,
  out: JoinerEffect[],
  repair: boolean,
): void {
  for (const number of numbers) {
    joiner.injected.add(number);
    const chunk = joiner.repairs.get(number);
    if (chunk?.round === joiner.round) countRepair(joiner, chunk, mirror, repair);
    joiner.repairs.delete(number);
  }
  while (joiner.injected.delete(joiner.next)) {
    joiner.received.delete(joiner.next);
    joiner.next += 1;
  }
  acknowledge(joiner, out);
  if (joiner.step !== 'chunks' || joiner.lastNumber === undefined || joiner.next <= joiner.lastNumber) return;
  for (const [bucket, digest] of joiner.differing) {
    const sum = joiner.brought.get(bucket) ?? {count: 0, low: 0, high: 0};
    if (sameDigest(sum, digest)) joiner.covered.add(bucket);
    else joiner.covered.delete(bucket);
  }
  joiner.before = joiner.differing;
  if (joiner.phase === 'transfer') joiner.phase = 'compare';
  joiner.step = 'idle';
  joiner.askedAt = now;
}

function acknowledge(joiner: Joiner, out: JoinerEffect[]): void {
  joiner.ackDue = false;
  let highest = -1;
  for (const number of joiner.injected)
    if (number - joiner.next < ACK_BITS) highest = Math.max(highest, number - joiner.next);
  const beyond = Buffer.alloc((highest + 8) >> 3);
  for (const number of joiner.injected) {
    const bit = number - joiner.next;
    if (bit <= highest) beyond[bit >> 3]! |= 1 << (bit & 7);
  }
  send(out, {type: 'ack', session: joiner.session, next: joiner.next, beyond});
}

/** All digests of this round are here. */
function judge(joiner: Joiner, now: number, mirror: Mirror, out: JoinerEffect[], repair: boolean): void {
  const standing = [...joiner.differing].filter(([bucket, digest]) => {
    const before = joiner.before.get(bucket);
    if (!before || !sameDigest(before, digest)) {
      joiner.covered.delete(bucket);
      // Seen for the first time: in a first comparison everything counts.
      return joiner.phase !== 'in-sync' && joiner.round === 1;
    }
    return !joiner.covered.has(bucket);
  });
  joiner.missing = standing.reduce(
    (sum, [bucket, digest]) => sum + Math.max(1, digest.count - bucketDigest(mirror, bucket).count),
    0,
  );
  if (standing.length === 0 && joiner.phase !== 'in-sync') {
    out.push({type: 'verdict', inSync: true, took: now - joiner.startedAt, rounds: joiner.round});
    joiner.settled = true;
    joiner.phase = 'in-sync';
  }
  joiner.askedAt = now;
  const wanted = [...joiner.differing.keys()].filter((bucket) => !joiner.covered.has(bucket));
  if (wanted.length === 0 || (joiner.phase === 'in-sync' && (!repair || standing.length === 0))) {
    joiner.before = joiner.differing;
    joiner.step = 'idle';
    return;
  }
  joiner.step = 'chunks';
  joiner.lastNumber = undefined;
  joiner.brought = new Map();
  send(out, {type: 'repair', session: joiner.session, round: joiner.round, buckets: wanted});
}

function compare(joiner: Joiner, now: number, out: JoinerEffect[]): void {
  joiner.round += 1;
  joiner.step = 'groups';
  joiner.askedAt = now;
  joiner.groups.clear();
  joiner.differing = new Map();
  send(out, {type: 'ask-groups', session: joiner.session, round: joiner.round});
}

function onTick(joiner: Joiner, now: number, out: JoinerEffect[], options: JoinerOptions): void {
  if (joiner.phase === 'waiting') return;
  if (joiner.ackDue) acknowledge(joiner, out);
  if (!joiner.settled && now - joiner.startedAt >= options.deadline) {
    joiner.settled = true;
    out.push({type: 'verdict', inSync: false, took: now - joiner.startedAt, rounds: joiner.round});
  }
  if (joiner.step === 'idle') {
    const pause = joiner.phase === 'in-sync' ? options.compareEvery : joiner.round === 0 ? 0 : BREATH;
    if (now - joiner.askedAt >= pause) compare(joiner, now, out);
    return;
  }
  if (now - joiner.heardAt >= SILENCE) {
    // The donor forgot the session, or is gone: from the beginning.
    begin(joiner, now, out, false);
    return;
  }
  if (now - joiner.askedAt < ASK_AGAIN) return;
  joiner.askedAt = now;
  const {session, round} = joiner;
  if (joiner.step === 'groups') send(out, {type: 'ask-groups', session, round});
  else if (joiner.step === 'buckets')
    for (const group of joiner.groups) send(out, {type: 'ask-buckets', session, round, group});
  else if (round === 0 && joiner.next === 0 && joiner.received.size === 0)
    send(out, {type: 'start', session});
  else if (round > 0 && joiner.lastNumber === undefined)
    send(out, {
      type: 'repair',
      session,
      round,
      buckets: [...joiner.differing.keys()].filter((bucket) => !joiner.covered.has(bucket)),
    });
}
