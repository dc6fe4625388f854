/** Listens to neighbour advertisements, to learn who claims which IPv6 address. */
import {jeq, ldb, ret, SKF_NET_OFF} from './packet-filter.ts';
import {abi, attachFilter, openSocket, setOption} from './sys.ts';
import {watchReceived, type Watch} from './sys-watch.ts';

const IPPROTO_ICMPV6 = 58;
const ICMP6_FILTER = 1;
const NEIGHBOUR_ADVERTISEMENT = 136;
/** Offset in the IPv6 header. */
const HOP_LIMIT_AT = 7;
/** Options may stand in front of the one that counts. */
const FRAME_MAX = 9_216;

/**
 * Calls `heard` with the link's index (0 if the kernel does not report it) and the ICMPv6 message. Everything but
 * neighbour advertisements with a hop limit of 255 (RFC 4861 §7.1.2: not forwarded by a router) is filtered in the kernel. Needs CAP_NET_RAW; without IPv6 nothing is received.
 */
export function openNaWatch(heard: (index: number, message: Buffer) => void): Watch {
  let fd: number;
  try {
    fd = openSocket(abi.AF_INET6, abi.SOCK_RAW | abi.SOCK_NONBLOCK, IPPROTO_ICMPV6, 'neighbour watch');
  } catch {
    // Without IPv6 in the kernel there are no IPv6 VIPs either.
    return {stop: () => undefined};
  }
  // struct icmp6_filter: a set bit blocks its type.
  const filter = Buffer.alloc(32, 0xff);
  const word = (NEIGHBOUR_ADVERTISEMENT >> 5) * 4;
  filter.writeUInt32LE((filter.readUInt32LE(word) & ~(1 << (NEIGHBOUR_ADVERTISEMENT & 31))) >>> 0, word);
  setOption(fd, IPPROTO_ICMPV6, ICMP6_FILTER, filter, 'neighbour watch');
  attachFilter(fd, [ldb(SKF_NET_OFF + HOP_LIMIT_AT), jeq(255, 0, 1), ret(0xffff), ret(0)], 'neighbour watch');
  const from = Buffer.alloc(28);
  return watchReceived(fd, {into: Buffer.alloc(FRAME_MAX), from}, (message) =>
    heard(from.readUInt32LE(24), message),
  );
}
