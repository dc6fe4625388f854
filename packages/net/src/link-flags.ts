/** Flags of a network link. */
import {openDirect} from './netlink-direct.ts';

const RTM_SETLINK = 19;
const IFF_UP = 1;
const IFF_MULTICAST = 0x1000;

function setFlag(index: number, flag: number, on: boolean, op: string): void {
  const socket = openDirect(0);
  try {
    // struct ifinfomsg: family, type, index, flags, mask of the flags to change
    const message = Buffer.alloc(16);
    message.writeInt32LE(index, 4);
    message.writeUInt32LE(on ? flag : 0, 8);
    message.writeUInt32LE(flag, 12);
    socket.request(RTM_SETLINK, 0, message, {op, target: `link ${index}`});
  } finally {
    socket.close();
  }
}

/** Enables multicast on a link: `lo` does not have the flag by default. Throws NetlinkError. */
export const allowMulticast = (index: number, allowed = true): void =>
  setFlag(index, IFF_MULTICAST, allowed, 'set multicast');

/** `ip link set … up` or `down`. Throws NetlinkError. */
export const setLinkUp = (index: number, up: boolean): void =>
  setFlag(index, IFF_UP, up, up ? 'set up' : 'set down');
