/** Hears ARP on every link: who claims which address. */
import {abi, bindSocket, closeFd, openSocket, receiveFrom, watchReadable} from './sys.ts';

const ETHERTYPE_ARP = 0x0806;
const FRAME_MAX = 128;
/** One turn of the event loop takes at most so many frames: a flood of ARP must not keep adverts waiting. */
const BATCH = 64;

/** Calls `heard` with the link's index and the frame. Frames that this machine sends are not heard. */
export function openArpWatch(heard: (index: number, frame: Buffer) => void): {stop(): void} {
  const swapped = ((ETHERTYPE_ARP & 0xff) << 8) | (ETHERTYPE_ARP >> 8);
  const fd = openSocket(abi.AF_PACKET, abi.SOCK_RAW | abi.SOCK_NONBLOCK, swapped, 'ARP watch');
  const all = Buffer.alloc(20);
  all.writeUInt16LE(abi.AF_PACKET, 0);
  all.writeUInt16BE(ETHERTYPE_ARP, 2);
  bindSocket(fd, all, 'ARP watch');
  const frame = Buffer.alloc(FRAME_MAX);
  const from = Buffer.alloc(20);
  const PACKET_OUTGOING = 4;
  const watch = watchReadable(fd, () => {
    for (let taken = 0; taken < BATCH; taken += 1) {
      const length = receiveFrom(fd, frame, abi.MSG_DONTWAIT, from);
      if (length < 0) return;
      if (from[10] !== PACKET_OUTGOING) heard(from.readInt32LE(4), frame.subarray(0, length));
    }
  });
  return {
    stop: () => {
      watch.stop();
      closeFd(fd);
    },
  };
}
