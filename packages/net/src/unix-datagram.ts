/** Datagrams to a Unix socket, which Node does not offer: the transport of systemd's sd_notify. */
import {abi, closeFd, lastErrno, openSocket, sendTo, SystemError} from './sys.ts';

/** The size of sun_path on Linux. */
const PATH_SIZE = 108;

/** A sockaddr_un; a leading `@` means an abstract name. Throws a RangeError for a path that is too long. */
export function unixAddress(path: string): Buffer {
  const name = Buffer.from(path);
  if (name.length === 0 || name.length >= PATH_SIZE) throw new RangeError(`not a socket's path: ${path}`);
  const address = Buffer.alloc(2 + name.length + (path.startsWith('@') ? 0 : 1));
  address.writeUInt16LE(abi.AF_UNIX);
  name.copy(address, 2);
  if (path.startsWith('@')) address[2] = 0;
  return address;
}

/** Sends one datagram without blocking. Throws a SystemError if nobody listens or the buffer is full. */
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
