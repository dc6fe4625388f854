/**
 * The donor's side of a resync. Pure: time, table and messages in, effects out; the state is mutated in place, because there
 * are thousands of steps per second.
 *
 * Chunks are numbered throughout a session. A window limits those in flight; a chunk not acknowledged in time is sent again. A
 * token bucket limits their rate, so that forwarding is not delayed.
 */
import type {Mirror} from './mirror.ts';
import {bucketDigest, cut, groupDigest, someBuckets, wholeTable, type Walk} from './table.ts';
import {GROUP_SIZE, GROUPS, type ResyncMessage} from './resync-wire.ts';

export interface DonorOptions {
  /** Maximum octets of a chunk. */
  readonly chunk: number;
  /** Chunks in flight at once. */
  readonly window: number;
  /** Chunks per second; 0: as fast as they are acknowledged. */
  readonly rate: number;
}

export const donorDefaults: DonorOptions = {chunk: 10_200, window: 24, rate: 600};

interface UnderWay {
  readonly message: ResyncMessage & {readonly type: 'chunk'};
  sentAt: number;
  tries: number;
}

export interface Donor {
  session: number;
  /** The round being streamed, and its position. */
  round: number;
  walk: Walk | undefined;
  nextNumber: number;
  readonly underWay: Map<number, UnderWay>;
  /** Smoothed time to an acknowledgement in ms. */
  roundTrip: number;
  /** When the newest acknowledged chunk was sent: unacknowledged ones sent well before it are lost. */
  ackedSentAt: number;
  tokens: number;
  tokensAt: number;
  resent: number;
  sent: number;
}

export const makeDonor = (): Donor => ({
  session: 0,
  round: 0,
  walk: undefined,
  nextNumber: 0,
  underWay: new Map(),
  roundTrip: FIRST_GUESS,
  ackedSentAt: 0,
  tokens: 0,
  tokensAt: 0,
  resent: 0,
  sent: 0,
});

const FIRST_WAIT = 100;
/** Initial retransmission timeout: a joiner that just started is slow, and losses are detected earlier by reordering. */
const FIRST_GUESS = 800;
/** Datagrams sent within this many ms may overtake one another. */
const OVERTAKE = 40;
const LONGEST_WAIT = 2_000;
/** A joiner silent for this long is gone: nothing more is sent to it. */
const MAX_TRIES = 20;

export type DonorEvent =
  {readonly type: 'message'; readonly message: ResyncMessage} | {readonly type: 'tick'};

/** One step; `now` in milliseconds, `second` the mirror's clock. Returns what to send. */
export function donorStep(
  donor: Donor,
  event: DonorEvent,
  now: number,
  second: number,
  mirror: Mirror,
  options: DonorOptions,
): ResyncMessage[] {
  const out: ResyncMessage[] = [];
  if (event.type === 'message') onMessage(donor, event.message, now, mirror, out);
  else resend(donor, now, out);
  fill(donor, now, second, mirror, options, out);
  return out;
}

function onMessage(
  donor: Donor,
  message: ResyncMessage,
  now: number,
  mirror: Mirror,
  out: ResyncMessage[],
): void {
  if (message.type === 'start') {
    // Repeated until the first chunk arrives: the same session continues.
    if (message.session === donor.session && donor.nextNumber > 0) return;
    Object.assign(donor, makeDonor(), {session: message.session, walk: wholeTable(), tokensAt: now});
    return;
  }
  if (!('session' in message)) return;
  if (message.type === 'ask-groups')
    out.push({
      type: 'groups',
      session: message.session,
      round: message.round,
      digests: Array.from({length: GROUPS}, (_, group) => groupDigest(mirror, group)),
    });
  else if (message.type === 'ask-buckets')
    out.push({
      type: 'buckets',
      session: message.session,
      round: message.round,
      group: message.group,
      digests: Array.from({length: GROUP_SIZE}, (_, index) =>
        bucketDigest(mirror, message.group * GROUP_SIZE + index),
      ),
    });
  else if (message.type === 'repair' && message.session !== donor.session) {
    // A joiner that already has a table starts with the comparison.
    Object.assign(donor, makeDonor(), {
      session: message.session,
      round: message.round,
      walk: someBuckets(message.buckets),
      tokensAt: now,
    });
  } else if (message.session !== donor.session) return;
  else if (message.type === 'ack') onAck(donor, message.next, message.beyond, now);
  else if (message.type === 'repair' && message.round > donor.round) {
    donor.round = message.round;
    donor.walk = someBuckets(message.buckets);
  }
}

function onAck(donor: Donor, next: number, beyond: Buffer, now: number): void {
  for (const [number, {sentAt, tries}] of donor.underWay) {
    const bit = number - next;
    const present = bit < 0 || ((beyond[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
    if (!present) continue;
    donor.underWay.delete(number);
    // A chunk sent twice gives no sample: it is unknown which one was acknowledged (Karn's algorithm).
    if (tries > 1) continue;
    donor.roundTrip += (now - sentAt - donor.roundTrip) / 8;
    donor.ackedSentAt = Math.max(donor.ackedSentAt, sentAt);
  }
}

const waitOf = (donor: Donor, tries: number): number =>
  Math.min(LONGEST_WAIT, (FIRST_WAIT + 2 * donor.roundTrip) * 2 ** Math.min(tries - 1, 4));

function resend(donor: Donor, now: number, out: ResyncMessage[]): void {
  const late = new Set<unknown>();
  for (const chunk of donor.underWay.values()) {
    const overtaken = chunk.sentAt + OVERTAKE < donor.ackedSentAt;
    if (!overtaken && now - chunk.sentAt < waitOf(donor, chunk.tries)) continue;
    if (!overtaken) late.add(chunk);
    if (chunk.tries >= MAX_TRIES) {
      Object.assign(donor, makeDonor());
      return;
    }
    chunk.sentAt = now;
    chunk.tries += 1;
    donor.resent += 1;
    out.push(chunk.message);
  }
  // No acknowledgement for long: the joiner may be slow. Back off, or a timeout that is too short would never grow.
  if (late.size > 0) donor.roundTrip = Math.min(LONGEST_WAIT, donor.roundTrip * 1.5);
}

function fill(
  donor: Donor,
  now: number,
  second: number,
  mirror: Mirror,
  options: DonorOptions,
  out: ResyncMessage[],
): void {
  const burst = options.window;
  donor.tokens =
    options.rate === 0
      ? burst
      : Math.min(burst, donor.tokens + ((now - donor.tokensAt) * options.rate) / 1_000);
  donor.tokensAt = now;
  while (donor.walk && donor.underWay.size < options.window && donor.tokens >= 1) {
    const piece = cut(mirror, donor.walk, options.chunk, second);
    const message = {
      type: 'chunk',
      session: donor.session,
      number: donor.nextNumber,
      round: donor.round,
      ...piece,
    } as const;
    donor.nextNumber += 1;
    donor.tokens -= 1;
    donor.sent += 1;
    donor.underWay.set(message.number, {message, sentAt: now, tries: 1});
    if (piece.last) donor.walk = undefined;
    out.push(message);
  }
}

/** Whether work is pending: the driver should tick often. */
export const donorBusy = (donor: Donor): boolean => donor.walk !== undefined || donor.underWay.size > 0;
