/** Datagrams to a Unix socket, which Node does not offer: what systemd's sd_notify protocol is made of. */
import {abi, closeFd, lastErrno, openSocket, sendTo, SystemError} from './sys.ts';

/** sun_path of Linux. */
const PATH_SIZE = 108;

/** A sockaddr_un; a leading `@` stands for Linux's abstract names. Throws a RangeError for a path that does not fit. */
export function unixAddress(path: string): Buffer {
  const name = Buffer.from(path);
  if (name.length === 0 || name.length >= PATH_SIZE) throw new RangeError(`not a socket's path: ${path}`);
  const address = Buffer.alloc(2 + name.length + (path.startsWith('@') ? 0 : 1));
  address.writeUInt16LE(abi.AF_UNIX);
  name.copy(address, 2);
  if (path.startsWith('@')) address[2] = 0;
  return address;
}

/** Sends one datagram without waiting. Throws a SystemError where nobody listens or there is no room. */
export function sendUnixDatagram(path: string, text: string): void {
  const fd = openSocket(abi.AF_UNIX, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0, path);
  try {
    const bytes = Buffer.from(text);
    if (sendTo(fd, bytes, bytes.length, unixAddress(path)) < 0)
      throw new SystemError('send', path, lastErrno());
  } finally {
    closeFd(fd);
  }
}
