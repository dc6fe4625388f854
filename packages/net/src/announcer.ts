/** Sends announcements of addresses: gratuitous ARP on a packet socket, neighbour advertisements on a raw one. */
import {addressBytes} from './address-text.ts';
import {arpAnnouncement, encodeArp, macBytes, NOBODY} from './arp.ts';
import {encodeUnsolicitedNa} from './na.ts';
import {abi, closeFd, errnoName, lastErrno, openSocket, sendTo, setIntOption} from './sys.ts';

const ETHERTYPE_ARP = 0x0806;
const IPPROTO_ICMPV6 = 58;
const IPV6_MULTICAST_IF = 17;
const IPV6_MULTICAST_HOPS = 18;
const ALL_NODES = 'ff02::1';

/** The address to announce, and its link. */
export interface Announcement {
  readonly family: 4 | 6;
  readonly address: string;
  readonly index: number;
  readonly mac: string;
  /** 18 octets for each frame, by which the directors recognise each other's announcements. */
  readonly trailer?: () => Uint8Array;
}

export interface Announcer {
  /** Sends one round: for IPv4 both forms of the announcement. Returns the error's name, or undefined. */
  announce(what: Announcement): string | undefined;
  /**
   * Sends an ordinary ARP request for another host's address: an answer comes to the ARP watch. A failure is as good as no
   * answer.
   */
  readonly ask: (question: {
    readonly index: number;
    readonly mac: string;
    readonly own: string;
    readonly address: string;
  }) => void;
  /** The reason why announcements are impossible. */
  readonly problem: string | undefined;
  close(): void;
}

/** What announces an address: two ARP frames, or a neighbour advertisement. */
export const announcementFrames = ({family, address, mac, trailer}: Announcement): readonly Buffer[] =>
  family === 4 ? arpAnnouncement(address, mac, trailer) : [encodeUnsolicitedNa(address, mac, trailer?.())];

/** Opens the sockets in the thread's network namespace. Without CAP_NET_RAW nothing is sent, and `problem` has the reason. */
export function openAnnouncer(): Announcer {
  let problem: string | undefined;
  let packet: number | undefined;
  try {
    // Protocol 0: this socket only sends.
    packet = openSocket(abi.AF_PACKET, abi.SOCK_RAW, 0, 'packet socket');
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  let icmp: number | undefined;

  /** struct sockaddr_ll */
  const everybody = (index: number): Buffer => {
    const to = Buffer.alloc(20);
    to.writeUInt16LE(abi.AF_PACKET, 0);
    to.writeUInt16BE(ETHERTYPE_ARP, 2);
    to.writeInt32LE(index, 4);
    to[11] = 6;
    to.fill(0xff, 12, 18);
    return to;
  };

  const sendArp = (what: Announcement): string | undefined => {
    if (packet === undefined) return problem;
    const to = everybody(what.index);
    for (const frame of announcementFrames(what))
      if (sendTo(packet, frame, frame.length, to) < 0) return errnoName(lastErrno());
    return undefined;
  };

  const sendNa = (what: Announcement): string | undefined => {
    if (icmp === undefined) {
      icmp = openSocket(abi.AF_INET6, abi.SOCK_RAW, IPPROTO_ICMPV6, 'ICMPv6 socket');
      setIntOption(icmp, 41, IPV6_MULTICAST_HOPS, 255, 'ICMPv6 socket');
    }
    setIntOption(icmp, 41, IPV6_MULTICAST_IF, what.index, 'ICMPv6 socket');
    // struct sockaddr_in6
    const to = Buffer.alloc(28);
    to.writeUInt16LE(abi.AF_INET6, 0);
    to.set(addressBytes(ALL_NODES), 8);
    to.writeUInt32LE(what.index, 24);
    for (const message of announcementFrames(what))
      if (sendTo(icmp, message, message.length, to) < 0) return errnoName(lastErrno());
    return undefined;
  };

  return {
    problem,
    announce: (what) => {
      if (problem !== undefined) return problem;
      if (macBytes(what.mac).length !== 6) return 'the device has no Ethernet address';
      return what.family === 4 ? sendArp(what) : sendNa(what);
    },
    ask: ({index, mac, own, address}) => {
      if (packet === undefined || macBytes(mac).length !== 6) return;
      const frame = encodeArp({operation: 'request', sha: mac, spa: own, tha: NOBODY, tpa: address});
      sendTo(packet, frame, frame.length, everybody(index));
    },
    close: () => {
      if (packet !== undefined) closeFd(packet);
      if (icmp !== undefined) closeFd(icmp);
    },
  };
}
