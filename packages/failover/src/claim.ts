/**
 * The heartbeat of last resort: 18 octets in a director's announcements (ARP padding, an option of neighbour
 * advertisements). docs/protocol.md describes them.
 *
 *   stamp (6 octets)   grows with every frame of this director, begins with its incarnation
 *   echo  (4 octets)   the low half of the newest stamp heard from the peer; 0: none
 *   tag   (8 octets)   over these, the cluster, the sender, the address and the hardware address; cut
 *
 * An echo of our stamp proves that the peer is alive now: no recording can contain it.
 */
import {makeTag, sameTag, shortHash} from './auth.ts';
import type {EngineKey} from './messages.ts';

export const CLAIM_LENGTH = 18;
const TAG = 8;

/** The sender and the claimed address. */
export interface Claimant {
  readonly cluster: string;
  readonly node: string;
  readonly address: string;
  readonly mac: string;
}

export interface Claim {
  readonly stamp: bigint;
  readonly echo: number;
}

function tagOf(body: Uint8Array, {cluster, node, address, mac}: Claimant, key: EngineKey): Buffer {
  const names = Buffer.alloc(16);
  names.writeBigUInt64BE(shortHash(cluster), 0);
  names.writeBigUInt64BE(shortHash(node), 8);
  const tag = Buffer.alloc(TAG);
  makeTag(
    key,
    Buffer.concat([Buffer.from('hactl claim '), names, body, Buffer.from(`${address} ${mac}`)]),
  ).copy(tag);
  return tag;
}

export function encodeClaim({stamp, echo}: Claim, claimant: Claimant, key: EngineKey): Buffer {
  const bytes = Buffer.alloc(CLAIM_LENGTH);
  bytes.writeUIntBE(Number(stamp), 0, 6);
  bytes.writeUInt32BE(echo, 6);
  tagOf(bytes.subarray(0, 10), claimant, key).copy(bytes, 10);
  return bytes;
}

/** The claim, if one of the keys signed it for this sender, address and hardware address. */
export function decodeClaim(
  bytes: Buffer,
  claimant: Claimant,
  keys: readonly EngineKey[],
): Claim | undefined {
  if (bytes.length !== CLAIM_LENGTH) return undefined;
  const body = bytes.subarray(0, 10);
  if (!keys.some((key) => sameTag(bytes.subarray(10), tagOf(body, claimant, key)))) return undefined;
  return {stamp: BigInt(bytes.readUIntBE(0, 6)), echo: bytes.readUInt32BE(6)};
}

/** Number of this director's latest stamps remembered; older echoes prove nothing. */
const REMEMBERED = 1_024;
const low = (stamp: bigint): number => Number(stamp & 0xffff_ffffn);

/** The stamps of one director: those it sent, and its peer's newest. */
export function makeClaimBook() {
  const newest = {sent: 0n, heard: 0n, echoed: 0n};
  /** Keyed by the half that is echoed. */
  const sent = new Map<number, bigint>();
  /**
   * A peer that lost its state directory and its clock starts with older stamps, and no heartbeat tells it which incarnation
   * is known here. Answering a claim not answered before proves that it is alive. Answers of its earlier incarnation no longer
   * count.
   */
  function beginAgain(stamp: bigint): void {
    newest.heard = stamp;
    for (const [half, own] of sent) if (own < newest.echoed) sent.delete(half);
  }
  return {
    /** The next frame's claim. `incarnation`: the current one; it increases when the peer knows a later one. */
    next: (incarnation: bigint): Claim => {
      newest.sent = (incarnation > newest.sent ? incarnation : newest.sent) + 1n;
      sent.set(low(newest.sent), newest.sent);
      const [oldest] = sent.keys();
      if (sent.size > REMEMBERED && oldest !== undefined) sent.delete(oldest);
      return {stamp: newest.sent, echo: low(newest.heard)};
    },
    /**
     * `proven`: its sender is alive; `unproven`: it has not heard us, or is a recording not heard before; `replayed`: seen
     * before.
     */
    hear: ({stamp, echo}: Claim): 'proven' | 'unproven' | 'replayed' => {
      const answered = echo === 0 ? undefined : sent.get(echo);
      const answersAnew = answered !== undefined && answered > newest.echoed;
      if (answersAnew) newest.echoed = answered;
      if (stamp > newest.heard) newest.heard = stamp;
      else if (answersAnew) beginAgain(stamp);
      else return 'replayed';
      return answered === undefined ? 'unproven' : 'proven';
    },
  };
}

export type ClaimBook = ReturnType<typeof makeClaimBook>;
