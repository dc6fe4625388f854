/**
 * The joiner's side of a resync. Pure, like the donor: time, messages and digests in, effects out; the state is mutated in
 * place.
 *
 *   waiting -> transfer: all chunks, each acknowledged when the kernel has it
 *           -> compare:  digests of 64 groups, of the buckets of those that differ, repair of the buckets that differ,
 *                        and once more, until none is left that stands still at the donor and differs
 *           -> in-sync:  compared again now and then; what differs is repaired (on a standby) and counted
 *
 * A bucket that changed at the donor since the last comparison is not waited for: connections come and go, and the live stream
 * carries them. One that is unchanged and differs indicates a loss. One that has everything its repair delivered, and still
 * differs, has more here, or what is about to expire there: nothing is missing.
 */
import type {Mirror} from './mirror.ts';
import {askBuckets, checkRepair, closeRepair, compare, onBuckets, onGroups} from './resync-compare.ts';
import {
  makeJoiner,
  send,
  type Chunk,
  type Joiner,
  type JoinerEffect,
  type JoinerEvent,
  type JoinerOptions,
} from './resync-state.ts';
import type {ResyncMessage} from './resync-wire.ts';

const ASK_AGAIN = 300;
const SILENCE = 5_000;
/** Pause between rounds, so that data in flight can arrive. */
const BREATH = 100;
const ACK_BITS = 512;
/** A transfer that goes on but does not end gets its verdict after this many deadlines. */
const PATIENCE = 10;

/** One step; `now` in milliseconds. `follows`: the donor overrides existing entries (not on the Active). */
export function joinerStep(
  joiner: Joiner,
  event: JoinerEvent,
  now: number,
  mirror: Mirror,
  options: JoinerOptions,
  follows = true,
): JoinerEffect[] {
  const out: JoinerEffect[] = [];
  switch (event.type) {
    case 'start':
      begin(joiner, now, mirror, out, {fresh: true, whole: event.whole ?? false});
      break;
    case 'message':
      onMessage(joiner, event.message, now, mirror, out, follows);
      break;
    case 'injected':
      if (event.session === joiner.session) onInjected(joiner, event.numbers, now, mirror, out, follows);
      break;
    case 'tick':
      onTick(joiner, now, mirror, out, options);
  }
  return out;
}

/**
 * A transfer restarted because the donor fell silent (not `fresh`) keeps its deadline and its progress; once in sync, there is
 * none left to keep.
 */
function begin(
  joiner: Joiner,
  now: number,
  mirror: Mirror,
  out: JoinerEffect[],
  {fresh, whole}: {fresh: boolean; whole: boolean},
): void {
  const {session, startedAt, progressAt, settled, phase} = joiner;
  const anew = fresh || phase === 'in-sync';
  Object.assign(joiner, makeJoiner((session + 1) >>> 0 || 1), {
    startedAt: anew ? now : startedAt,
    progressAt: anew ? now : progressAt,
    settled: fresh ? false : settled,
    askedAt: now,
    heardAt: now,
  });
  if (whole || mirror.size === 0) {
    joiner.phase = 'transfer';
    joiner.step = 'chunks';
    send(out, {type: 'start', session: joiner.session});
  } else {
    // After a partition: entries that both have need not be sent.
    joiner.phase = 'compare';
    compare(joiner, now, out);
  }
}

function onMessage(
  joiner: Joiner,
  message: ResyncMessage,
  now: number,
  mirror: Mirror,
  out: JoinerEffect[],
  follows: boolean,
): void {
  if (!('session' in message) || message.session !== joiner.session) return;
  joiner.heardAt = now;
  joiner.progressAt = now;
  if (message.type === 'chunk') onChunk(joiner, message, out);
  else if (message.type === 'groups' && message.round === joiner.round)
    onGroups(joiner, message.digests, now, mirror, out, follows);
  else if (message.type === 'buckets' && message.round === joiner.round)
    onBuckets(joiner, message.group, message.digests, now, mirror, out, follows);
}

function onChunk(joiner: Joiner, chunk: Chunk, out: JoinerEffect[]): void {
  if (chunk.number < joiner.next || joiner.received.has(chunk.number)) {
    // The acknowledgement was lost, or the kernel has not processed it yet.
    joiner.ackDue = true;
    return;
  }
  joiner.received.add(chunk.number);
  if (chunk.last && chunk.round === joiner.round) joiner.lastNumber = chunk.number;
  if (chunk.round > 0 && chunk.round === joiner.round) joiner.repairs.set(chunk.number, chunk);
  out.push({type: 'inject', chunk});
}

function onInjected(
  joiner: Joiner,
  numbers: readonly number[],
  now: number,
  mirror: Mirror,
  out: JoinerEffect[],
  follows: boolean,
): void {
  if (numbers.length > 0) joiner.progressAt = now;
  for (const number of numbers) {
    joiner.injected.add(number);
    const chunk = joiner.repairs.get(number);
    if (chunk?.round === joiner.round) checkRepair(joiner, chunk, mirror, follows);
    joiner.repairs.delete(number);
  }
  while (joiner.injected.delete(joiner.next)) {
    joiner.received.delete(joiner.next);
    joiner.next += 1;
  }
  acknowledge(joiner, out);
  if (joiner.step !== 'chunks' || joiner.lastNumber === undefined || joiner.next <= joiner.lastNumber) return;
  closeRepair(joiner, mirror);
  if (joiner.phase === 'transfer') joiner.phase = 'compare';
  joiner.step = 'idle';
  joiner.askedAt = now;
}

function acknowledge(joiner: Joiner, out: JoinerEffect[]): void {
  joiner.ackDue = false;
  const ahead = [...joiner.injected].map((number) => number - joiner.next).filter((bit) => bit < ACK_BITS);
  const highest = Math.max(-1, ...ahead);
  const beyond = Buffer.alloc((highest + 8) >> 3);
  for (const number of joiner.injected) {
    const bit = number - joiner.next;
    if (bit <= highest) beyond[bit >> 3]! |= 1 << (bit & 7);
  }
  send(out, {type: 'ack', session: joiner.session, next: joiner.next, beyond});
}

/**
 * The deadline counts from the last message of this transfer or comparison. As long as they come, the peer has the addresses and
 * serves: an early preemption would break the connections that are still missing.
 */
const isOverdue = ({startedAt, progressAt}: Joiner, now: number, {deadline}: JoinerOptions): boolean =>
  now - progressAt >= deadline || now - startedAt >= PATIENCE * deadline;

function onTick(
  joiner: Joiner,
  now: number,
  mirror: Mirror,
  out: JoinerEffect[],
  options: JoinerOptions,
): void {
  if (joiner.phase === 'waiting') return;
  if (joiner.ackDue) acknowledge(joiner, out);
  if (!joiner.settled && isOverdue(joiner, now, options)) {
    joiner.settled = true;
    out.push({type: 'verdict', inSync: false, took: now - joiner.startedAt, rounds: joiner.round});
  }
  if (joiner.step === 'idle') {
    const pause = joiner.phase === 'in-sync' ? options.compareEvery : joiner.round === 0 ? 0 : BREATH;
    if (now - joiner.askedAt >= pause) compare(joiner, now, out);
    return;
  }
  if (now - joiner.heardAt >= SILENCE) {
    // The donor forgot the session, or is gone: start over.
    begin(joiner, now, mirror, out, {fresh: false, whole: false});
    return;
  }
  if (now - joiner.askedAt < ASK_AGAIN) return;
  joiner.askedAt = now;
  const {session, round} = joiner;
  if (joiner.step === 'groups') send(out, {type: 'ask-groups', session, round});
  else if (joiner.step === 'buckets') {
    joiner.asked.clear();
    askBuckets(joiner, out);
  } else if (round === 0 && joiner.next === 0 && joiner.received.size === 0)
    send(out, {type: 'start', session});
  else if (round > 0 && joiner.lastNumber === undefined)
    send(out, {
      type: 'repair',
      session,
      round,
      buckets: [...joiner.differing.keys()].filter((bucket) => !joiner.covered.has(bucket)),
    });
}
