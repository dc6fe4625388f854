/** Listens to ARP on every link, to learn who claims which address. */
import {abi, bindSocket, openSocket} from './sys.ts';
import {watchReceived, type Watch} from './sys-watch.ts';

const ETHERTYPE_ARP = 0x0806;
const FRAME_MAX = 128;

/** sll_pkttype: to this host, to all, to a group. */
const forUs: ReadonlySet<number | undefined> = new Set([0, 1, 2]);

/**
 * Calls `heard` with the link's index and the frame. Frames that this machine sends are not heard, nor those that the kernel does
 * not take either: of a VLAN that has no interface here, and to other hosts.
 */
export function openArpWatch(heard: (index: number, frame: Buffer) => void): Watch {
  const swapped = ((ETHERTYPE_ARP & 0xff) << 8) | (ETHERTYPE_ARP >> 8);
  const fd = openSocket(abi.AF_PACKET, abi.SOCK_RAW | abi.SOCK_NONBLOCK, swapped, 'ARP watch');
  const all = Buffer.alloc(20);
  all.writeUInt16LE(abi.AF_PACKET, 0);
  all.writeUInt16BE(ETHERTYPE_ARP, 2);
  bindSocket(fd, all, 'ARP watch');
  const from = Buffer.alloc(20);
  return watchReceived(fd, {into: Buffer.alloc(FRAME_MAX), from}, (frame) => {
    if (forUs.has(from[10])) heard(from.readInt32LE(4), frame);
  });
}
