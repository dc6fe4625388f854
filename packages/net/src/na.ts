/** The unsolicited neighbour advertisement (RFC 4861 §7.2.6) that announces the new link-layer address of an IPv6 address. Pure. */
import {addressBytes, addressText} from './address-text.ts';
import {macBytes, macText} from './arp.ts';
import {trailerAt} from './trailer.ts';

const TYPE = 136;
const OVERRIDE = 0x20;
const TARGET_LINK_LAYER = 2;

/** RFC 4727's experimental option: carries the trailer. Unknown options are ignored. */
const EXPERIMENTAL = 253;
/** In units of eight octets. */
const OPTION_LENGTH = 3;
const TRAILER_AT = 38;
/** Where the options begin, and the unit of their lengths. */
const FIXED = 24;
const UNIT = 8;
const TRAILER_OPTION_AT = 32;

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

/** The options behind the target (RFC 4861 §4.6), in any order; undefined for an invalid length, as hosts refuse such a message. */
function optionsOf(message: Buffer): ReadonlyMap<number, Buffer> | undefined {
  const options = new Map<number, Buffer>();
  for (let offset = FIXED; offset < message.length;) {
    const [type, units] = [message[offset], message[offset + 1]];
    if (type === undefined || units === undefined || units === 0 || offset + units * UNIT > message.length)
      return undefined;
    // Of two of a kind Linux takes the first.
    if (!options.has(type)) options.set(type, message.subarray(offset, offset + units * UNIT));
    offset += units * UNIT;
  }
  return options;
}

/** Target and its hardware address of a neighbour advertisement; undefined: another message, or one without a hardware address. */
export function decodeNa(message: Buffer): NeighbourAdvertisement | undefined {
  if (message.length < FIXED || message[0] !== TYPE || message[1] !== 0) return undefined;
  const options = optionsOf(message);
  const link = options?.get(TARGET_LINK_LAYER);
  if (!options || !link || link.length !== UNIT) return undefined;
  const experimental = options.get(EXPERIMENTAL);
  return {
    target: addressText(message.subarray(8, FIXED)),
    mac: macText(link.subarray(2)),
    ...(experimental?.length === OPTION_LENGTH * UNIT
      ? trailerAt(experimental, TRAILER_AT - TRAILER_OPTION_AT)
      : {}),
  };
}
