/** Ethernet frames with small IPv4 packets, for probes of what another machine does with them. Pure. */
import {addressBytes, addressText} from './address-text.ts';
import {macBytes, macText} from './arp.ts';
import {checksum} from './checksum.ts';

const ETHERTYPE_IPV4 = 0x0800;
const ETHERNET = 14;
const IPV4 = 20;
const ICMP = 1;
const IPIP = 4;
const TCP = 6;
const TTL = 64;

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

export interface Echo {
  readonly from: string;
  readonly to: string;
  readonly identity: number;
  readonly sequence: number;
}

/** An ICMP echo request. */
export function echoPacket({from, to, identity, sequence}: Echo): Buffer {
  const icmp = Buffer.alloc(16);
  icmp[0] = 8;
  icmp.writeUInt16BE(identity, 4);
  icmp.writeUInt16BE(sequence, 6);
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

/** A TCP connection's first packet. */
export const synPacket = (one: TcpSegment): Buffer => tcpPacket(one, tcpFlag.SYN);

/** A TCP segment without data and options, in IPv4. */
export function tcpPacket(one: TcpSegment, flags: number): Buffer {
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(one.fromPort, 0);
  tcp.writeUInt16BE(one.toPort, 2);
  tcp.writeUInt32BE(one.sequence >>> 0, 4);
  tcp[12] = 5 << 4;
  tcp[13] = flags;
  tcp.writeUInt16BE(1_024, 14);
  const pseudo = Buffer.concat([
    addressBytes(one.from),
    addressBytes(one.to),
    Buffer.from([0, TCP, 0, tcp.length]),
  ]);
  tcp.writeUInt16BE(checksum(Buffer.concat([pseudo, tcp])), 16);
  return ipv4Packet(TCP, one.from, one.to, tcp);
}

/** A packet in a tunnel. */
export const tunnelled = (from: string, to: string, packet: Buffer): Buffer =>
  ipv4Packet(IPIP, from, to, packet);

/** The packet in an Ethernet frame, padded as Ethernet wants it. */
export function ethernetFrame(from: string, to: string, packet: Buffer): Buffer {
  const frame = Buffer.alloc(Math.max(60, ETHERNET + packet.length));
  frame.set(macBytes(to), 0);
  frame.set(macBytes(from), 6);
  frame.writeUInt16BE(ETHERTYPE_IPV4, 12);
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

/** Reads an echo reply or a TCP packet out of a frame; undefined: something else. */
export function readAnswer(frame: Buffer): ProbeAnswer | undefined {
  if (frame.length < ETHERNET + IPV4 || frame.readUInt16BE(12) !== ETHERTYPE_IPV4) return undefined;
  const packet = frame.subarray(ETHERNET);
  const start = ((packet[0] ?? 0) & 15) * 4;
  const payload = packet.subarray(start);
  if ((packet[0] ?? 0) >> 4 !== 4 || start < IPV4 || payload.length < 8) return undefined;
  const common = {
    mac: macText(frame.subarray(6, 12)),
    from: addressText(packet.subarray(12, 16)),
    to: addressText(packet.subarray(16, 20)),
  };
  if (packet[9] === ICMP && payload[0] === 0)
    return {...common, kind: 'echo', identity: payload.readUInt16BE(4), sequence: payload.readUInt16BE(6)};
  if (packet[9] === TCP)
    return {...common, kind: 'tcp', fromPort: payload.readUInt16BE(0), toPort: payload.readUInt16BE(2)};
  return undefined;
}
