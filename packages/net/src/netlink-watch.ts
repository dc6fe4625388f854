/** Reports when links or addresses change. An overrun (ENOBUFS) counts as a change: the listener reads everything again. */
import {abi, bindSocket, closeFd, lastErrno, openSocket, receive, setIntOption} from './sys.ts';
import {watchReadable} from './sys-watch.ts';

const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV6_IFADDR = 0x100;
const BUFFER = 4 << 20;

/** Calls `changed` after changes; a burst of messages gives one call. */
export function watchNetlink(changed: () => void): {stop(): void} {
  const fd = openSocket(abi.AF_NETLINK, abi.SOCK_RAW | abi.SOCK_NONBLOCK, 0, 'netlink watch');
  const address = Buffer.alloc(12);
  address.writeUInt16LE(abi.AF_NETLINK, 0);
  address.writeUInt32LE(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR, 8);
  bindSocket(fd, address, 'netlink watch');
  setIntOption(fd, abi.SOL_SOCKET, abi.SO_RCVBUF, BUFFER, 'netlink watch');
  const into = Buffer.alloc(1 << 16);
  const watch = watchReadable(fd, () => {
    for (;;) {
      const length = receive(fd, into, abi.MSG_DONTWAIT);
      if (length < 0 && lastErrno() !== abi.ENOBUFS) break;
    }
    changed();
  });
  return {
    stop: () => {
      watch.stop();
      closeFd(fd);
    },
  };
}
