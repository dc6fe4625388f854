/** Flags of a network link. */
import {openDirect} from './netlink-direct.ts';

const RTM_SETLINK = 19;
const IFF_MULTICAST = 0x1000;

/** Lets multicast travel over a link: `lo` does not have the flag by itself. Throws NetlinkError. */
export function allowMulticast(index: number, allowed = true): void {
  const socket = openDirect(0);
  try {
    // struct ifinfomsg: family, type, index, flags, mask of the flags to change
    const message = Buffer.alloc(16);
    message.writeInt32LE(index, 4);
    message.writeUInt32LE(allowed ? IFF_MULTICAST : 0, 8);
    message.writeUInt32LE(IFF_MULTICAST, 12);
    socket.request(RTM_SETLINK, 0, message, {op: 'set multicast', target: `link ${index}`});
  } finally {
    socket.close();
  }
}
