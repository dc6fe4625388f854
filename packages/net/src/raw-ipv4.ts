/** Sends whole IPv4 packets, and makes a TCP port drop all input. */
import {createServer} from 'node:net';
import {ret} from './packet-filter.ts';
import {
  abi,
  attachFilter,
  bindSocket,
  closeFd,
  lastErrno,
  openSocket,
  sendTo,
  setIntOption,
  SystemError,
} from './sys.ts';
import {socketAddress} from './udp.ts';

/** With this protocol the packet includes its IP header. */
const IPPROTO_RAW = 255;

export interface RawIpv4 {
  /** Sends a packet that begins with its IPv4 header. Throws SystemError. */
  send(packet: Buffer): void;
  close(): void;
}

/** Sends packets to one address. Needs CAP_NET_RAW. */
export function openRawIpv4(to: string): RawIpv4 {
  const target = `packets to ${to}`;
  const fd = openSocket(abi.AF_INET, abi.SOCK_RAW | abi.SOCK_NONBLOCK, IPPROTO_RAW, target);
  const address = socketAddress(to, 0);
  return {
    send: (packet) => {
      if (sendTo(fd, packet, packet.length, address) < 0) throw new SystemError('send', target, lastErrno());
    },
    close: () => closeFd(fd),
  };
}

/**
 * Listens on a TCP port and has the kernel drop every packet to it: senders get no answer, not even a reset.
 * Resolves to a function that closes it; rejects with the system's error.
 */
export async function openSilentPort(address: string, port: number): Promise<() => void> {
  const target = `tcp ${address} port ${port}`;
  const fd = openSocket(abi.AF_INET, abi.SOCK_STREAM | abi.SOCK_NONBLOCK, 0, target);
  try {
    attachFilter(fd, [ret(0)], target);
    // A restarted process need not wait for the end of its predecessor.
    setIntOption(fd, abi.SOL_SOCKET, abi.SO_REUSEPORT, 1, target);
    bindSocket(fd, socketAddress(address, port), target);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  const server = createServer();
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({fd, exclusive: true}, resolve);
  });
  return () => server.close();
}
