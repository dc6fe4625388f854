/** The unsolicited neighbour advertisement (RFC 4861 §7.2.6) that tells everybody where an IPv6 address is now. Pure. */
import {addressBytes, addressText} from './address-text.ts';
import {macBytes, macText} from './arp.ts';
import {markAt, putMark} from './mark.ts';

const TYPE = 136;
const OVERRIDE = 0x20;
const TARGET_LINK_LAYER = 2;

/** RFC 4727's experimental option: carries the mark of the cluster that announces. Whoever does not know it skips it. */
const EXPERIMENTAL = 253;
const MARK_AT = 34;

/** The ICMPv6 message; the kernel fills in the checksum. */
export function encodeUnsolicitedNa(address: string, mac: string, mark?: bigint): Buffer {
  const message = Buffer.alloc(mark === undefined ? 32 : 48);
  message[0] = TYPE;
  message[4] = OVERRIDE;
  message.set(addressBytes(address), 8);
  message[24] = TARGET_LINK_LAYER;
  message[25] = 1;
  message.set(macBytes(mac), 26);
  if (mark !== undefined) {
    message[32] = EXPERIMENTAL;
    message[33] = 2;
    putMark(message, MARK_AT, mark);
  }
  return message;
}

export interface NeighbourAdvertisement {
  readonly target: string;
  readonly mac: string;
  readonly mark?: bigint;
}

/** Target and its hardware address of a neighbour advertisement; undefined when it is none, or names no address. */
export function decodeNa(message: Buffer): NeighbourAdvertisement | undefined {
  if (message.length < 32 || message[0] !== TYPE || message[24] !== TARGET_LINK_LAYER || message[25] !== 1)
    return undefined;
  return {
    target: addressText(message.subarray(8, 24)),
    mac: macText(message.subarray(26, 32)),
    ...(message[32] === EXPERIMENTAL && message[33] === 2 ? markAt(message, MARK_AT) : {}),
  };
}
