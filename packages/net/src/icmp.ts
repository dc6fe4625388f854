/** ICMP echo: one socket per family, shared by all pings. */
import {addressBytes, addressText} from './address-text.ts';
import {checksum} from './checksum.ts';
import {abi, openSocket, sendTo, SystemError, lastErrno} from './sys.ts';
import {watchReceived} from './sys-watch.ts';

const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;

export interface Pinger {
  /** Sends one echo request; `answered` is called on the reply. Returns a function that cancels it. */
  ping(address: string, answered: () => void): () => void;
  close(): void;
}

/** Opens the sockets on first use. Needs CAP_NET_RAW. */
export function openPinger(identity: number): Pinger {
  const waiting = new Map<string, () => void>();
  const sockets = new Map<4 | 6, {fd: number; stop(): void}>();
  let sequence = 0;

  const socketOf = (family: 4 | 6): number => {
    const known = sockets.get(family);
    if (known) return known.fd;
    const fd = openSocket(
      family === 4 ? abi.AF_INET : abi.AF_INET6,
      abi.SOCK_RAW | abi.SOCK_NONBLOCK,
      family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
      'ICMP socket',
    );
    const from = Buffer.alloc(28);
    const watch = watchReceived(fd, {into: Buffer.alloc(2_048), from}, (message) => {
      const start = family === 4 ? ((message[0] ?? 0) & 15) * 4 : 0;
      if (message.length < start + 8 || message[start] !== (family === 4 ? 0 : 129)) return;
      if (message.readUInt16BE(start + 4) !== identity) return;
      const address = addressText(family === 4 ? from.subarray(4, 8) : from.subarray(8, 24));
      const key = `${address} ${message.readUInt16BE(start + 6)}`;
      const answered = waiting.get(key);
      waiting.delete(key);
      answered?.();
    });
    sockets.set(family, {fd, stop: () => watch.stop()});
    return fd;
  };

  return {
    ping: (address, answered) => {
      const bytes = addressBytes(address);
      const family = bytes.length === 4 ? 4 : 6;
      const fd = socketOf(family);
      sequence = (sequence + 1) & 0xffff;
      const packet = Buffer.alloc(16);
      packet[0] = family === 4 ? 8 : 128;
      packet.writeUInt16BE(identity, 4);
      packet.writeUInt16BE(sequence, 6);
      if (family === 4) packet.writeUInt16BE(checksum(packet), 2);
      const to = Buffer.alloc(family === 4 ? 16 : 28);
      to.writeUInt16LE(family === 4 ? abi.AF_INET : abi.AF_INET6, 0);
      to.set(bytes, family === 4 ? 4 : 8);
      const key = `${addressText(bytes)} ${sequence}`;
      waiting.set(key, answered);
      if (sendTo(fd, packet, packet.length, to) < 0) {
        waiting.delete(key);
        throw new SystemError('ping', address, lastErrno());
      }
      return () => waiting.delete(key);
    },
    close: () => {
      for (const socket of sockets.values()) socket.stop();
      sockets.clear();
    },
  };
}
