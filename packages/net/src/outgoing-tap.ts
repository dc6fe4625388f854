/**
 * Receives what this machine sends to a UDP port over one link, including multicast that is not looped back, such as the
 * kernel's sync daemon's. A filter in the kernel drops everything else before it is copied.
 */
import {
  abi,
  attachFilter,
  bindSocket,
  closeFd,
  openSocket,
  setIntOption,
  type FilterInstruction,
} from './sys.ts';
import {watchReceived, type Watch} from './sys-watch.ts';
import {
  jeq,
  jset,
  ldb,
  ldh,
  ldhIndexed,
  ldxMsh,
  PACKET_OUTGOING,
  ret,
  SKF_AD_OFF,
  SKF_AD_PKTTYPE,
  SKF_AD_PROTOCOL,
} from './packet-filter.ts';

/** Only with this "protocol" a packet socket receives outgoing packets too. */
const ETH_P_ALL = 0x0003;
const ETH_P_IP = 0x0800;
const UDP = 17;
const UDP_HEADER = 8;
const RECEIVE_BUFFER = 4 << 20;

/** Outgoing, IPv4, UDP, not a later fragment, to this port; the packet begins with its IPv4 header. */
const program = (port: number): FilterInstruction[] => [
  ldb(SKF_AD_OFF + SKF_AD_PKTTYPE),
  jeq(PACKET_OUTGOING, 0, 9),
  ldh(SKF_AD_OFF + SKF_AD_PROTOCOL),
  jeq(ETH_P_IP, 0, 7),
  ldb(9),
  jeq(UDP, 0, 5),
  ldh(6),
  jset(0x1fff, 3, 0),
  ldxMsh(0),
  ldhIndexed(2),
  jeq(port, 1, 0),
  ret(0),
  ret(0x40000),
];

/** Calls `heard` with the payload of every datagram. Needs CAP_NET_RAW. */
export function openOutgoingTap(index: number, port: number, heard: (payload: Buffer) => void): Watch {
  const target = `outgoing datagrams to port ${port}`;
  const fd = openSocket(abi.AF_PACKET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0, target);
  try {
    // The filter comes first: nothing arrives before the socket is bound to a protocol.
    attachFilter(fd, program(port), target);
    setIntOption(fd, abi.SOL_SOCKET, abi.SO_RCVBUFFORCE, RECEIVE_BUFFER, target);
    const link = Buffer.alloc(20);
    link.writeUInt16LE(abi.AF_PACKET, 0);
    link.writeUInt16BE(ETH_P_ALL, 2);
    link.writeInt32LE(index, 4);
    bindSocket(fd, link, target);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return watchReceived(fd, {into: Buffer.alloc(65_536)}, (packet) => {
    const start = ((packet[0] ?? 0) & 0x0f) * 4;
    if (packet.length < start + UDP_HEADER) return;
    const end = Math.min(packet.length, start + packet.readUInt16BE(start + 4));
    heard(Buffer.from(packet.subarray(start + UDP_HEADER, end)));
  });
}
