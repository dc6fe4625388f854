/**
 * Frames between two processes of a pair that nobody else can make, alter or play again: connection sync sends them as
 * datagrams, the supervisors over TCP. Pure: keys, counters and nonces come from the caller.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------+---------------+---------------+---------------+
 *   |      'h'      |      's'      |   version 1   | 0 HMAC, 1 GCM |
 *   +---------------+---------------+---------------+---------------+
 *   |           sender: hash of the cluster's and node's name       |
 *   +---------------------------------------------------------------+
 *   |        incarnation: the sender's start, 8 octets (random low)  |
 *   +---------------------------------------------------------------+
 *   |                    sequence number, 8 octets                  |
 *   +---------------------------------------------------------------+
 *   |             payload (with mode 1: encrypted)                  |
 *   +---------------------------------------------------------------+
 *   |   HMAC-SHA256 over all of the above, cut to 16 octets;        |
 *   |   with mode 1 the 16 octets of AES-256-GCM, header as AAD     |
 *   +---------------------------------------------------------------+
 *
 * The receiver keeps one window for each sender. An incarnation it has not heard yet is accepted only when it answers a
 * challenge (session.ts; a greeting carries it): a recording of an older life cannot start one.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hash,
  hkdfSync,
  timingSafeEqual,
} from 'node:crypto';
import {fail, ok, type Result} from '@hactl/base';

const HEADER = 24;
const TAG = 16;
const VERSION = 1;
/** How far back a late datagram may come. */
export const WINDOW = 1_024;
/** What the frame adds to a payload. */
export const OVERHEAD = HEADER + TAG;

export interface ChannelKeys {
  readonly authentication: Buffer;
  /** Given: the payload is encrypted. */
  readonly encryption?: Buffer;
}

/**
 * Keys of one purpose's own, from the cluster's secret: what is signed for one purpose is of no use in another, nor in
 * the heartbeat.
 */
export function channelKeys(
  purpose: 'sync' | 'peer',
  secret: string | Buffer,
  cluster: string,
  encrypted: boolean,
): ChannelKeys {
  const derive = (use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, cluster, `hactl ${purpose} ${use}`, 32));
  return {
    authentication: derive('authentication'),
    ...(encrypted ? {encryption: derive('encryption')} : {}),
  };
}

/** What a node is called in the frames. */
export const senderNumber = (cluster: string, node: string): number =>
  createHash('sha256').update(`${cluster}/${node}`).digest().readUInt32BE(0);

export interface Sender {
  /** May change under way: the sequence goes on. */
  keys: ChannelKeys;
  readonly sender: number;
  readonly incarnation: bigint;
  sequence: bigint;
}

/** Frames one payload; the sender's sequence number goes up. */
export function seal(from: Sender, payload: Buffer): Buffer {
  from.sequence += 1n;
  const {encryption, authentication} = from.keys;
  const frame = Buffer.allocUnsafe(OVERHEAD + payload.length);
  frame.write('hs', 0, 'latin1');
  frame[2] = VERSION;
  frame[3] = encryption ? 1 : 0;
  frame.writeUInt32BE(from.sender, 4);
  frame.writeBigUInt64BE(from.incarnation, 8);
  frame.writeBigUInt64BE(from.sequence, 16);
  if (encryption) {
    const cipher = createCipheriv('aes-256-gcm', encryptionKey(encryption, frame), nonce(from.sequence));
    cipher.setAAD(frame.subarray(0, HEADER));
    cipher.update(payload).copy(frame, HEADER);
    cipher.final();
    cipher.getAuthTag().copy(frame, HEADER + payload.length);
  } else {
    payload.copy(frame, HEADER);
    mac(authentication, frame.subarray(0, HEADER + payload.length)).copy(
      frame,
      HEADER + payload.length,
      0,
      TAG,
    );
  }
  return frame;
}

const BLOCK = 64;
/** The keys' two pads (RFC 2104), and room behind the inner one for what is signed. */
interface Pads {
  readonly outer: Buffer;
  inner: Buffer;
}
const pads = new Map<string, Pads>();
const padded = (key: Buffer, mask: number, room: number): Buffer => {
  const block = Buffer.alloc(BLOCK + room, 0);
  key.copy(block);
  for (let place = 0; place < BLOCK; place += 1) block[place]! ^= mask;
  return block;
};
const padsOf = (key: Buffer, room: number): Pads => {
  const name = key.toString('latin1');
  let found = pads.get(name);
  if (!found) {
    if (pads.size > 64) pads.clear();
    found = {inner: padded(key, 0x36, room), outer: padded(key, 0x5c, 32)};
    pads.set(name, found);
  }
  if (found.inner.length < BLOCK + room) found.inner = padded(key, 0x36, room);
  return found;
};

/**
 * HMAC-SHA256 with a key of at most 64 octets. An Hmac object for each of thousands of frames in a second costs several
 * times what the hashes themselves do.
 */
export function mac(key: Buffer, bytes: Buffer): Buffer {
  const {inner, outer} = padsOf(key, bytes.length);
  bytes.copy(inner, BLOCK);
  hash('sha256', inner.subarray(0, BLOCK + bytes.length), 'buffer').copy(outer, BLOCK);
  return hash('sha256', outer, 'buffer');
}

/**
 * A nonce may serve once under a key. Sequence numbers start anew in each life, so each life (sender and incarnation)
 * has a key of its own.
 */
const lives = new Map<string, Buffer>();
const encryptionKey = (key: Buffer, frame: Buffer): Buffer => {
  const name = key.toString('latin1') + frame.toString('latin1', 4, 16);
  let derived = lives.get(name);
  if (!derived) {
    if (lives.size > 64) lives.clear();
    derived = createHmac('sha256', key).update(frame.subarray(4, 16)).digest();
    lives.set(name, derived);
  }
  return derived;
};
const nonce = (sequence: bigint): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(sequence, 4);
  return bytes;
};

export type ChannelFault = 'too-short' | 'not-ours' | 'mode' | 'own' | 'forged' | 'replayed';

export interface Opened {
  readonly sender: number;
  readonly incarnation: bigint;
  readonly sequence: bigint;
  readonly payload: Buffer;
}

/** Checks a frame and gives its payload. Whether it is fresh is the window's business (`accept`). */
export function open(keys: ChannelKeys, own: number, frame: Buffer): Result<Opened, ChannelFault> {
  if (frame.length < OVERHEAD) return fail('too-short');
  if (frame.toString('latin1', 0, 2) !== 'hs' || frame[2] !== VERSION) return fail('not-ours');
  if (frame[3] !== (keys.encryption ? 1 : 0)) return fail('mode');
  const sender = frame.readUInt32BE(4);
  if (sender === own) return fail('own');
  const end = frame.length - TAG;
  const sequence = frame.readBigUInt64BE(16);
  let payload = frame.subarray(HEADER, end);
  if (keys.encryption) {
    const decipher = createDecipheriv('aes-256-gcm', encryptionKey(keys.encryption, frame), nonce(sequence), {
      authTagLength: TAG,
    });
    decipher.setAAD(frame.subarray(0, HEADER));
    decipher.setAuthTag(frame.subarray(end));
    try {
      payload = Buffer.concat([decipher.update(payload), decipher.final()]);
    } catch {
      return fail('forged');
    }
  } else if (
    !timingSafeEqual(mac(keys.authentication, frame.subarray(0, end)).subarray(0, TAG), frame.subarray(end))
  )
    return fail('forged');
  return ok({sender, incarnation: frame.readBigUInt64BE(8), sequence, payload});
}

/** What was heard of one life of a sender: the newest sequence number and which of the WINDOW before it came. */
export interface ReplayWindow {
  readonly incarnation: bigint;
  newest: bigint;
  readonly seen: Uint8Array;
  /** Gaps that were not filled when the window moved past them. */
  lost: number;
  late: number;
}

export const makeWindow = (incarnation: bigint, newest: bigint): ReplayWindow => {
  const window = {incarnation, newest, seen: new Uint8Array(WINDOW).fill(1), lost: 0, late: 0};
  return window;
};

/** Datagrams may overtake one another by so many before one that is missing counts as lost. */
const REORDER = 64n;

/** What never came, as far as it can be told now: what comes late after all is taken off again. */
export function lostOf(window: ReplayWindow): number {
  let lost = window.lost;
  // Whole numbers from here on: a thousand steps with bigints would be felt.
  const oldest = window.newest - BigInt(WINDOW) + 1n;
  const first = oldest < 0n ? 0n : oldest;
  const steps = Number(window.newest - REORDER - first);
  let place = Number(first % BigInt(WINDOW));
  for (let step = 0; step <= steps; step += 1) {
    lost += 1 - (window.seen[place] ?? 1);
    place = (place + 1) % WINDOW;
  }
  return lost;
}

/** True once for each sequence number that is not too old. */
export function accept(window: ReplayWindow, sequence: bigint): boolean {
  if (sequence > window.newest) {
    const skipped = sequence - window.newest;
    if (skipped > BigInt(WINDOW)) {
      window.lost += Number(skipped) - WINDOW + window.seen.reduce((sum, one) => sum + 1 - one, 0);
      window.seen.fill(0);
    } else
      for (let next = window.newest + 1n; next <= sequence; next += 1n) {
        const place = Number(next % BigInt(WINDOW));
        window.lost += 1 - (window.seen[place] ?? 1);
        window.seen[place] = 0;
      }
    window.newest = sequence;
    window.seen[Number(sequence % BigInt(WINDOW))] = 1;
    return true;
  }
  if (window.newest - sequence >= BigInt(WINDOW)) return false;
  const place = Number(sequence % BigInt(WINDOW));
  if (window.seen[place] === 1) return false;
  window.seen[place] = 1;
  window.late += 1;
  return true;
}
