/**
 * Authenticated, encrypted frames between two processes of a pair, with replay protection: connection sync sends them as
 * datagrams. Pure: keys, counters and nonces come from the caller.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------+---------------+---------------+---------------+
 *   |      'h'      |      's'      |   version 1   | 1: AES-GCM    |
 *   +---------------+---------------+---------------+---------------+
 *   |           sender: hash of the cluster's and node's name       |
 *   +---------------------------------------------------------------+
 *   |        incarnation: the sender's start, 8 octets (random low)  |
 *   +---------------------------------------------------------------+
 *   |                    sequence number, 8 octets                  |
 *   +---------------------------------------------------------------+
 *   |                       encrypted payload                       |
 *   +---------------------------------------------------------------+
 *   |     tag of AES-256-GCM, 16 octets; the header is its AAD      |
 *   +---------------------------------------------------------------+
 *
 * The receiver keeps one window per sender. A new incarnation is accepted only if it answers a challenge (session.ts; carried
 * in a greeting): a recording of an older incarnation cannot.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import {fail, ok, type Result} from '@hactl/base';

const HEADER = 24;
const TAG = 16;
const VERSION = 1;
/** AES-256-GCM. 0 was HMAC-SHA256 over a plaintext payload. */
const MODE = 1;
/** How many sequence numbers back a late datagram may be. */
export const WINDOW = 1_024;
/** Overhead of a frame. */
export const OVERHEAD = HEADER + TAG;

export interface ChannelKeys {
  readonly encryption: Buffer;
}

/**
 * Derives keys for one purpose from the cluster's secret: a tag made for one purpose is useless for another, and in the
 * heartbeat.
 */
export function channelKeys(purpose: 'sync', secret: string | Buffer, cluster: string): ChannelKeys {
  return {encryption: Buffer.from(hkdfSync('sha256', secret, cluster, `hactl ${purpose} encryption`, 32))};
}

/** A node's identifier in the frames. */
export const senderNumber = (cluster: string, node: string): number =>
  createHash('sha256').update(`${cluster}/${node}`).digest().readUInt32BE(0);

export interface Sender {
  /** May change during a session: the sequence continues. */
  keys: ChannelKeys;
  readonly sender: number;
  readonly incarnation: bigint;
  sequence: bigint;
}

/** Frames one payload and increments the sender's sequence number. */
export function seal(from: Sender, payload: Buffer): Buffer {
  from.sequence += 1n;
  const frame = Buffer.allocUnsafe(OVERHEAD + payload.length);
  frame.write('hs', 0, 'latin1');
  frame[2] = VERSION;
  frame[3] = MODE;
  frame.writeUInt32BE(from.sender, 4);
  frame.writeBigUInt64BE(from.incarnation, 8);
  frame.writeBigUInt64BE(from.sequence, 16);
  const key = encryptionKey(from.keys.encryption, frame);
  const cipher = createCipheriv('aes-256-gcm', key, nonce(from.sequence));
  cipher.setAAD(frame.subarray(0, HEADER));
  cipher.update(payload).copy(frame, HEADER);
  cipher.final();
  cipher.getAuthTag().copy(frame, HEADER + payload.length);
  return frame;
}

/**
 * A nonce must be used only once per key. Sequence numbers restart in each incarnation, so each (sender, incarnation) has its
 * own key.
 */
const lives = new Map<string, KeyObject>();
const encryptionKey = (key: Buffer, frame: Buffer): KeyObject => {
  const name = key.toString('latin1') + frame.toString('latin1', 4, 16);
  let derived = lives.get(name);
  if (!derived) {
    if (lives.size > 64) lives.clear();
    // With the octets themselves a cipher is made in three times the time.
    derived = createSecretKey(createHmac('sha256', key).update(frame.subarray(4, 16)).digest());
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

/** Verifies a frame and returns its payload. The window checks freshness (`accept`). */
export function open(keys: ChannelKeys, localId: number, frame: Buffer): Result<Opened, ChannelFault> {
  if (frame.length < OVERHEAD) return fail('too-short');
  if (frame.toString('latin1', 0, 2) !== 'hs' || frame[2] !== VERSION) return fail('not-ours');
  if (frame[3] !== MODE) return fail('mode');
  const sender = frame.readUInt32BE(4);
  if (sender === localId) return fail('own');
  const end = frame.length - TAG;
  const sequence = frame.readBigUInt64BE(16);
  const key = encryptionKey(keys.encryption, frame);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce(sequence), {authTagLength: TAG});
  decipher.setAAD(frame.subarray(0, HEADER));
  decipher.setAuthTag(frame.subarray(end));
  // GCM decrypts octet by octet: the end adds none, it verifies the tag.
  const payload = decipher.update(frame.subarray(HEADER, end));
  try {
    decipher.final();
  } catch {
    return fail('forged');
  }
  return ok({sender, incarnation: frame.readBigUInt64BE(8), sequence, payload});
}

/** The replay window of one incarnation of a sender: the newest sequence number and which of the WINDOW before it arrived. */
export interface ReplayWindow {
  readonly incarnation: bigint;
  newest: bigint;
  readonly seen: Uint8Array;
  /** Gaps not filled when the window moved past them. */
  lost: number;
  late: number;
}

export const makeWindow = (incarnation: bigint, newest: bigint): ReplayWindow => {
  const window = {incarnation, newest, seen: new Uint8Array(WINDOW).fill(1), lost: 0, late: 0};
  return window;
};

/** How many newer datagrams may overtake one before it counts as lost. */
const REORDER = 64n;

/** Datagrams presumed lost: one that arrives late after all is subtracted. */
export function lostOf(window: ReplayWindow): number {
  let lost = window.lost;
  // Plain numbers from here on: a thousand bigint steps would be slow.
  const oldest = window.newest - BigInt(WINDOW) + 1n;
  const first = oldest < 0n ? 0n : oldest;
  const steps = Number(window.newest - REORDER - first);
  let slot = Number(first % BigInt(WINDOW));
  for (let step = 0; step <= steps; step += 1) {
    lost += 1 - (window.seen[slot] ?? 1);
    slot = (slot + 1) % WINDOW;
  }
  return lost;
}

/** True once per sequence number that is not too old. */
export function accept(window: ReplayWindow, sequence: bigint): boolean {
  if (sequence > window.newest) {
    const skipped = sequence - window.newest;
    if (skipped > BigInt(WINDOW)) {
      window.lost += Number(skipped) - WINDOW + window.seen.reduce((sum, bit) => sum + 1 - bit, 0);
      window.seen.fill(0);
    } else
      for (let next = window.newest + 1n; next <= sequence; next += 1n) {
        const slot = Number(next % BigInt(WINDOW));
        window.lost += 1 - (window.seen[slot] ?? 1);
        window.seen[slot] = 0;
      }
    window.newest = sequence;
    window.seen[Number(sequence % BigInt(WINDOW))] = 1;
    return true;
  }
  if (window.newest - sequence >= BigInt(WINDOW)) return false;
  const index = Number(sequence % BigInt(WINDOW));
  if (window.seen[index] === 1) return false;
  window.seen[index] = 1;
  window.late += 1;
  return true;
}
