/**
 * Sends whole Ethernet frames over one link and receives the answers to this machine: ARP, ICMP, ICMPv6, and TCP to
 * one port. A filter in the kernel drops everything else before it is copied.
 */
import {jeq, ldb, ldh, ldhIndexed, ldxMsh, PACKET_OUTGOING, ret} from './packet-filter.ts';
import {
  abi,
  attachFilter,
  bindSocket,
  closeFd,
  openSocket,
  sendTo,
  SystemError,
  lastErrno,
  type FilterInstruction,
} from './sys.ts';
import {watchReceived} from './sys-watch.ts';

const ETH_P_ALL = 0x0003;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ICMP = 1;
const TCP = 6;
const ICMPV6 = 58;
const FRAME_MAX = 256;

/** The packet begins with its Ethernet header. */
const program = (port: number): FilterInstruction[] => [
  ldh(12),
  jeq(ETHERTYPE_ARP, 13, 0),
  jeq(ETHERTYPE_IPV6, 7, 0),
  jeq(ETHERTYPE_IPV4, 0, 12),
  ldb(23),
  jeq(ICMP, 9, 0),
  jeq(TCP, 0, 9),
  ldxMsh(14),
  ldhIndexed(16),
  jeq(port, 5, 6),
  // IPv6: its header has a fixed length.
  ldb(20),
  jeq(ICMPV6, 3, 0),
  jeq(TCP, 0, 3),
  ldh(56),
  jeq(port, 0, 1),
  ret(FRAME_MAX),
  ret(0),
];

export interface FramePort {
  /** Throws SystemError. */
  send(frame: Buffer): void;
  close(): void;
}

/** Calls `heard` with a frame that is valid until it returns. Needs CAP_NET_RAW. */
export function openFramePort(index: number, tcpPort: number, heard: (frame: Buffer) => void): FramePort {
  const target = `frames of link ${index}`;
  const fd = openSocket(abi.AF_PACKET, abi.SOCK_RAW | abi.SOCK_NONBLOCK, 0, target);
  const link = Buffer.alloc(20);
  link.writeUInt16LE(abi.AF_PACKET, 0);
  link.writeUInt16BE(ETH_P_ALL, 2);
  link.writeInt32LE(index, 4);
  try {
    attachFilter(fd, program(tcpPort), target);
    bindSocket(fd, link, target);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  const frame = Buffer.alloc(FRAME_MAX);
  const from = Buffer.alloc(20);
  const watch = watchReceived(fd, {into: frame, from}, (received) => {
    if (from[10] !== PACKET_OUTGOING) heard(received);
  });
  return {
    send: (bytes) => {
      if (sendTo(fd, bytes, bytes.length, link) < 0) throw new SystemError('send', target, lastErrno());
    },
    close: () => watch.stop(),
  };
}
