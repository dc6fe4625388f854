/** Authentication tags of adverts: heartbeat's methods and sha256. Pure. */
import {createHash, createHmac, timingSafeEqual} from 'node:crypto';
import {crc32} from 'node:zlib';
import ipaddr from 'ipaddr.js';
import type {EngineKey} from './messages.ts';

/** Method numbers on the wire. */
export const methodNumber = {crc: 0, md5: 1, sha1: 2, sha256: 3} as const;
/** Octets of each method's tag. */
export const tagLength = {crc: 4, md5: 16, sha1: 20, sha256: 32} as const;

/** The tag over `bytes`. crc detects damage only; it does not authenticate. */
export function makeTag(key: EngineKey, bytes: Uint8Array): Buffer {
  if (key.method === 'crc') {
    const tag = Buffer.alloc(4);
    tag.writeUInt32BE(crc32(bytes));
    return tag;
  }
  return createHmac(key.method, key.secret).update(bytes).digest();
}

/** Compares in constant time. */
export const sameTag = (left: Buffer, right: Buffer): boolean =>
  left.length === right.length && timingSafeEqual(left, right);

/** The keys whose tags are accepted. Next to a real signing key, a listed `crc` would let anybody send adverts. */
export function believedKeys(keys: readonly EngineKey[], signingKey: number): readonly EngineKey[] {
  const signing = keys.find(({id}) => id === signingKey);
  return signing?.method === 'crc' ? keys : keys.filter(({method}) => method !== 'crc');
}

const hashes = new Map<string, bigint>();

/** The first eight octets of SHA-256, the wire form of names and digests. Cached, because every advert carries two. */
export function shortHash(text: string): bigint {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(text).digest().readBigUInt64BE(0);
  // The names of one cluster: a handful.
  if (hashes.size < 1_000) hashes.set(text, hash);
  return hash;
}

const addressHashes = new Map<string, number>();

/**
 * The first 31 bits of SHA-256 over an address's octets, the wire form of a group's addresses. Throws if it is not an address.
 */
export function addressHash(address: string): number {
  const known = addressHashes.get(address);
  if (known !== undefined) return known;
  const octets = Buffer.from(ipaddr.parse(address).toByteArray());
  const hash = createHash('sha256').update(octets).digest().readUInt32BE(0) >>> 1;
  if (addressHashes.size < 10_000) addressHashes.set(address, hash);
  return hash;
}
