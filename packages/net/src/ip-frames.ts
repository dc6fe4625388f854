/** Ethernet frames with small IPv4 and IPv6 packets, for probing the behaviour of another machine. Pure. */
import {addressBytes, addressText} from './address-text.ts';
import {macBytes, macText} from './arp.ts';
import {checksum} from './checksum.ts';
import {decodeNa, type NeighbourAdvertisement} from './na.ts';

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERNET = 14;
const IPV4 = 20;
const IPV6 = 40;
const ICMP = 1;
const IPIP = 4;
const TCP = 6;
const IPV6_IN = 41;
const ICMPV6 = 58;
const TTL = 64;
/** Neighbour discovery never crosses a router (RFC 4861 §7.1). */
const NEIGHBOUR_HOPS = 255;
const SOLICITATION = 135;
const SOURCE_LINK_LAYER = 1;

/** Flags of a TCP header. */
export const tcpFlag = {FIN: 1, SYN: 2, RST: 4, ACK: 16} as const;

/** An IPv4 packet without options. */
function ipv4Packet(protocol: number, from: string, to: string, payload: Buffer): Buffer {
  const packet = Buffer.alloc(IPV4 + payload.length);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  packet[8] = TTL;
  packet[9] = protocol;
  packet.set(addressBytes(from), 12);
  packet.set(addressBytes(to), 16);
  packet.writeUInt16BE(checksum(packet.subarray(0, IPV4)), 10);
  packet.set(payload, IPV4);
  return packet;
}

/** An IPv6 packet without extension headers (RFC 8200). */
function ipv6Packet(next: number, from: string, to: string, payload: Buffer, hops = TTL): Buffer {
  const packet = Buffer.alloc(IPV6 + payload.length);
  packet[0] = 0x60;
  packet.writeUInt16BE(payload.length, 4);
  packet[6] = next;
  packet[7] = hops;
  packet.set(addressBytes(from), 8);
  packet.set(addressBytes(to), 24);
  packet.set(payload, IPV6);
  return packet;
}

const isSix = (address: string): boolean => address.includes(':');

const ipPacket = (protocol: number, from: string, to: string, payload: Buffer): Buffer =>
  isSix(from) ? ipv6Packet(protocol, from, to, payload) : ipv4Packet(protocol, from, to, payload);

/** The pseudo-header of TCP and ICMPv6 checksums (RFC 9293 §3.1, RFC 8200 §8.1); 16-bit lengths suffice for both families here. */
const pseudoHeader = (protocol: number, from: string, to: string, length: number): Buffer =>
  Buffer.concat([addressBytes(from), addressBytes(to), Buffer.from([0, protocol, 0, length])]);

/** An ICMPv6 message with its checksum. */
function icmpv6(message: Buffer, from: string, to: string): Buffer {
  const pseudo = pseudoHeader(ICMPV6, from, to, message.length);
  message.writeUInt16BE(checksum(Buffer.concat([pseudo, message])), 2);
  return message;
}

export interface Echo {
  readonly from: string;
  readonly to: string;
  readonly identity: number;
  readonly sequence: number;
}

/** An ICMP or ICMPv6 echo request. */
export function echoPacket({from, to, identity, sequence}: Echo): Buffer {
  const icmp = Buffer.alloc(16);
  icmp[0] = isSix(from) ? 128 : 8;
  icmp.writeUInt16BE(identity, 4);
  icmp.writeUInt16BE(sequence, 6);
  if (isSix(from)) return ipv6Packet(ICMPV6, from, to, icmpv6(icmp, from, to));
  icmp.writeUInt16BE(checksum(icmp), 2);
  return ipv4Packet(ICMP, from, to, icmp);
}

export interface TcpSegment {
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly sequence: number;
}

/** A TCP SYN. */
export const synPacket = (segment: TcpSegment): Buffer => tcpPacket(segment, tcpFlag.SYN);

/** A TCP segment without data and options. */
export function tcpPacket(segment: TcpSegment, flags: number): Buffer {
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(segment.fromPort, 0);
  tcp.writeUInt16BE(segment.toPort, 2);
  tcp.writeUInt32BE(segment.sequence >>> 0, 4);
  tcp[12] = 5 << 4;
  tcp[13] = flags;
  tcp.writeUInt16BE(1_024, 14);
  const pseudo = pseudoHeader(TCP, segment.from, segment.to, tcp.length);
  tcp.writeUInt16BE(checksum(Buffer.concat([pseudo, tcp])), 16);
  return ipPacket(TCP, segment.from, segment.to, tcp);
}

/** A packet tunnelled in its own family. */
export const tunnelled = (from: string, to: string, packet: Buffer): Buffer =>
  ipPacket(isSix(from) ? IPV6_IN : IPIP, from, to, packet);

/** A neighbour solicitation for the IPv6 address, to its solicited-node group (RFC 4861 §4.3), as a whole frame. */
export function solicitationFrame({
  mac,
  from,
  target,
}: {
  readonly mac: string;
  readonly from: string;
  readonly target: string;
}): Buffer {
  const last = addressBytes(target).subarray(13);
  const group = addressText(Buffer.concat([addressBytes('ff02::1:ff00:0').subarray(0, 13), last]));
  const message = Buffer.alloc(32);
  message[0] = SOLICITATION;
  message.set(addressBytes(target), 8);
  message[24] = SOURCE_LINK_LAYER;
  message[25] = 1;
  message.set(macBytes(mac), 26);
  const packet = ipv6Packet(ICMPV6, from, group, icmpv6(message, from, group), NEIGHBOUR_HOPS);
  return ethernetFrame(mac, `33:33:ff:${macText(last)}`, packet);
}

/** A neighbour advertisement in a frame; undefined: something else, or forwarded by a router. */
export function readAdvertisement(frame: Buffer): NeighbourAdvertisement | undefined {
  const packet = frame.subarray(ETHERNET);
  if (frame.length < ETHERNET + IPV6 || frame.readUInt16BE(12) !== ETHERTYPE_IPV6) return undefined;
  if (packet[6] !== ICMPV6 || packet[7] !== NEIGHBOUR_HOPS) return undefined;
  return decodeNa(packet.subarray(IPV6));
}

/** The packet in an Ethernet frame, padded to Ethernet's minimum. */
export function ethernetFrame(from: string, to: string, packet: Buffer): Buffer {
  const frame = Buffer.alloc(Math.max(60, ETHERNET + packet.length));
  frame.set(macBytes(to), 0);
  frame.set(macBytes(from), 6);
  frame.writeUInt16BE((packet[0] ?? 0) >> 4 === 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4, 12);
  frame.set(packet, ETHERNET);
  return frame;
}

/** An answer to one of the probes. */
export type ProbeAnswer = {
  /** Hardware address of the machine that sent the frame. */
  readonly mac: string;
  readonly from: string;
  readonly to: string;
} & (
  | {readonly kind: 'echo'; readonly identity: number; readonly sequence: number}
  | {readonly kind: 'tcp'; readonly fromPort: number; readonly toPort: number}
);

/** The offsets of the addresses and the payload of a packet; undefined: neither IPv4 nor IPv6, or truncated. */
function layout(frame: Buffer): {protocol: number; from: Buffer; to: Buffer; payload: Buffer} | undefined {
  if (frame.length < ETHERNET + IPV4) return undefined;
  const type = frame.readUInt16BE(12);
  const packet = frame.subarray(ETHERNET);
  const version = (packet[0] ?? 0) >> 4;
  if (type === ETHERTYPE_IPV6 && version === 6 && packet.length >= IPV6)
    return {
      protocol: packet[6] ?? 0,
      from: packet.subarray(8, 24),
      to: packet.subarray(24, 40),
      payload: packet.subarray(IPV6),
    };
  const start = ((packet[0] ?? 0) & 15) * 4;
  if (type !== ETHERTYPE_IPV4 || version !== 4 || start < IPV4) return undefined;
  return {
    protocol: packet[9] ?? 0,
    from: packet.subarray(12, 16),
    to: packet.subarray(16, 20),
    payload: packet.subarray(start),
  };
}

/** Reads an echo reply or a TCP packet out of a frame; undefined: something else. */
export function readAnswer(frame: Buffer): ProbeAnswer | undefined {
  const found = layout(frame);
  if (!found || found.payload.length < 8) return undefined;
  const {protocol, payload} = found;
  const common = {
    mac: macText(frame.subarray(6, 12)),
    from: addressText(found.from),
    to: addressText(found.to),
  };
  if ((protocol === ICMP && payload[0] === 0) || (protocol === ICMPV6 && payload[0] === 129))
    return {...common, kind: 'echo', identity: payload.readUInt16BE(4), sequence: payload.readUInt16BE(6)};
  if (protocol === TCP)
    return {...common, kind: 'tcp', fromPort: payload.readUInt16BE(0), toPort: payload.readUInt16BE(2)};
  return undefined;
}
