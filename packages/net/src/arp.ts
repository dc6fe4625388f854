/** ARP over Ethernet (RFC 826) and the announcements of RFC 5227. Pure. */
import {fail, ok, type Result} from '@hactl/base';
import {addressBytes, addressText} from './address-text.ts';
import {trailerAt} from './trailer.ts';

/** Field names are RFC 826's: sender and target hardware and protocol addresses. */
export interface ArpPacket {
  readonly operation: 'request' | 'reply';
  readonly sha: string;
  readonly spa: string;
  readonly tha: string;
  readonly tpa: string;
  /** 18 octets in the frame's padding (trailer.ts). */
  readonly trailer?: Uint8Array;
}

export type ArpFault = {readonly code: 'truncated'; readonly have: number} | {readonly code: 'not-arp'};

const LENGTH = 42;
/** Ethernet pads a frame to 60 octets; the trailer is the padding. */
const PADDED = 60;
const ETHERTYPE_ARP = 0x0806;
/** Hardware types that Linux takes on Ethernet: Ethernet, IEEE 802. */
const hardware: readonly number[] = [1, 6];
/** The target's hardware address in a request. */
export const NOBODY = '00:00:00:00:00:00';
const BROADCAST = 'ff:ff:ff:ff:ff:ff';

export const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');
export const macText = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

/** A broadcast Ethernet frame with the packet. */
export function encodeArp(packet: ArpPacket): Buffer {
  const frame = Buffer.alloc(PADDED);
  frame.set(macBytes(BROADCAST), 0);
  frame.set(macBytes(packet.sha), 6);
  frame.writeUInt16BE(ETHERTYPE_ARP, 12);
  frame.writeUInt16BE(1, 14);
  frame.writeUInt16BE(0x0800, 16);
  frame[18] = 6;
  frame[19] = 4;
  frame.writeUInt16BE(packet.operation === 'request' ? 1 : 2, 20);
  frame.set(macBytes(packet.sha), 22);
  frame.set(addressBytes(packet.spa), 28);
  frame.set(macBytes(packet.tha), 32);
  frame.set(addressBytes(packet.tpa), 38);
  if (packet.trailer) frame.set(packet.trailer, LENGTH);
  return frame;
}

/** Reads an Ethernet frame with an ARP packet for IPv4. Ignores Ethernet's padding. */
export function decodeArp(frame: Buffer): Result<ArpPacket, ArpFault> {
  if (frame.length < LENGTH) return fail({code: 'truncated', have: frame.length});
  if (
    frame.readUInt16BE(12) !== ETHERTYPE_ARP ||
    !hardware.includes(frame.readUInt16BE(14)) ||
    frame.readUInt16BE(16) !== 0x0800 ||
    frame[18] !== 6 ||
    frame[19] !== 4
  )
    return fail({code: 'not-arp'});
  const operation = frame.readUInt16BE(20);
  if (operation !== 1 && operation !== 2) return fail({code: 'not-arp'});
  return ok({
    operation: operation === 1 ? 'request' : 'reply',
    sha: macText(frame.subarray(22, 28)),
    spa: addressText(frame.subarray(28, 32)),
    tha: macText(frame.subarray(32, 38)),
    tpa: addressText(frame.subarray(38, 42)),
    ...trailerAt(frame, LENGTH),
  });
}

/**
 * RFC 5227's announcement, in request form and, for stacks that only accept replies, in reply form. `trailer` is
 * called for each of them.
 */
export function arpAnnouncement(
  address: string,
  mac: string,
  trailer?: () => Uint8Array,
): readonly [Buffer, Buffer] {
  const packet = (operation: ArpPacket['operation'], tha: string): Buffer =>
    encodeArp({
      operation,
      sha: mac,
      spa: address,
      tha,
      tpa: address,
      ...(trailer ? {trailer: trailer()} : {}),
    });
  return [packet('request', NOBODY), packet('reply', BROADCAST)];
}
