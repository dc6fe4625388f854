/** The unsolicited neighbour advertisement (RFC 4861 §7.2.6) that tells everybody where an IPv6 address is now. Pure. */
import {addressBytes, addressText} from './address-text.ts';
import {macBytes, macText} from './arp.ts';
import {trailerAt} from './trailer.ts';

const TYPE = 136;
const OVERRIDE = 0x20;
const TARGET_LINK_LAYER = 2;

/** RFC 4727's experimental option: carries the trailer. Whoever does not know it skips it. */
const EXPERIMENTAL = 253;
/** In units of eight octets. */
const OPTION_LENGTH = 3;
const TRAILER_AT = 38;

/** The ICMPv6 message; the kernel fills in the checksum. */
export function encodeUnsolicitedNa(address: string, mac: string, trailer?: Uint8Array): Buffer {
  const message = Buffer.alloc(trailer === undefined ? 32 : 56);
  message[0] = TYPE;
  message[4] = OVERRIDE;
  message.set(addressBytes(address), 8);
  message[24] = TARGET_LINK_LAYER;
  message[25] = 1;
  message.set(macBytes(mac), 26);
  if (trailer !== undefined) {
    message[32] = EXPERIMENTAL;
    message[33] = OPTION_LENGTH;
    message.set(trailer, TRAILER_AT);
  }
  return message;
}

export interface NeighbourAdvertisement {
  readonly target: string;
  readonly mac: string;
  readonly trailer?: Uint8Array;
}

/** Target and its hardware address of a neighbour advertisement; undefined when it is none, or names no address. */
export function decodeNa(message: Buffer): NeighbourAdvertisement | undefined {
  if (message.length < 32 || message[0] !== TYPE || message[24] !== TARGET_LINK_LAYER || message[25] !== 1)
    return undefined;
  return {
    target: addressText(message.subarray(8, 24)),
    mac: macText(message.subarray(26, 32)),
    ...(message[32] === EXPERIMENTAL && message[33] === OPTION_LENGTH ? trailerAt(message, TRAILER_AT) : {}),
  };
}
