/**
 * The sockets between the two sync processes: one for unicast to this director, one in the sync group, so that they find each
 * other without a configured address.
 */
import dgram from 'node:dgram';
import {OVERHEAD} from '@hactl/channel';
import {
  abi,
  hopsAre255,
  lastErrno,
  openAddresses,
  openUdp,
  passAll,
  payloadAtLeast,
  payloadIs,
  sendTo,
  setIntOption,
  socketAddress,
  watchReceived,
} from '@hactl/net';

const IPPROTO_IP = 0;
const IP_TOS = 1;
const RECEIVE_BUFFER = 8 << 20;

/** The kernel's multicast group for sync messages; ours use it on another port. */
export const SYNC_GROUP = '224.0.0.81';
export const KERNEL_PORT = 8_848;
/** `lo` is link 1 in every network namespace. */
export const LO = 1;

/** An interface as sockets need it. */
export interface SyncInterface {
  readonly index: number;
  readonly address: string;
}

/** Index and first IPv4 address of an interface. Throws an Error with the problem. */
export function findInterface(device: string): SyncInterface {
  const addresses = openAddresses();
  try {
    const link = addresses.links().find(({name}) => name === device);
    if (!link) throw new Error(`there is no interface ${device}`);
    if (!link.up) throw new Error(`interface ${device} is down`);
    const address = addresses.list().find(({family, index}) => family === 4 && index === link.index);
    if (!address) throw new Error(`interface ${device} has no IPv4 address`);
    return {index: link.index, address: address.address};
  } finally {
    addresses.close();
  }
}

/**
 * An IPv4 socket without DNS lookups: Node would look up the address for every datagram, in an extra turn.
 */
export const plainSocket = (): dgram.Socket =>
  dgram.createSocket({type: 'udp4', lookup: (address, _options, found) => found(null, address, 4)});

export type Heard = (bytes: Buffer, from: {readonly address: string; readonly port: number}) => void;

/** Bulk data must not use the heartbeat's priority. */
function prepare(fd: number): void {
  setIntOption(fd, abi.SOL_SOCKET, abi.SO_PRIORITY, 0, 'sync');
  setIntOption(fd, IPPROTO_IP, IP_TOS, 0, 'sync');
  try {
    setIntOption(fd, abi.SOL_SOCKET, abi.SO_RCVBUFFORCE, RECEIVE_BUFFER, 'sync');
  } catch {
    // Without CAP_NET_ADMIN the system's maximum buffer must do.
  }
}

/** Adopts a descriptor made by openUdp. */
function adopt(fd: number, heard: Heard): dgram.Socket {
  prepare(fd);
  const socket = plainSocket();
  socket.on('message', heard);
  socket.on('error', () => {
    // The interface is down: the peer's silence shows it.
  });
  socket.bind({fd, exclusive: true});
  return socket;
}

/** The sending side of a socket. */
export interface Outlet {
  readonly send: (bytes: Buffer, address: string) => void;
  /** Closes the socket. */
  readonly close: () => void;
}

/**
 * Sends through the socket's descriptor: a send of Node's costs twice as much, and more while its code is not compiled. Only
 * Node's waits while the kernel's buffer is full.
 */
export function openOutlet(fd: number, socket: dgram.Socket, port: number): Outlet {
  let known: {readonly address: string; readonly packed: Buffer} | undefined;
  let open = true;
  return {
    send: (bytes, address) => {
      // The descriptor may be another file's after the close.
      if (!open) return;
      if (known?.address !== address) known = {address, packed: socketAddress(address, port)};
      if (sendTo(fd, bytes, bytes.length, known.packed) >= 0 || lastErrno() !== abi.EAGAIN) return;
      socket.send(bytes, port, address, () => {
        // The digests detect what the interface refuses.
      });
    },
    close: () => {
      open = false;
      socket.close();
    },
  };
}

export interface KernelLink {
  close(): void;
}

/** Offset of the sender's IPv4 address in its socket address. */
const ADDRESS = 4;

/**
 * Joins the kernel's group on an interface and receives the kernels' messages. A wake-up reads all queued datagrams; `heard`
 * gets a copy and the sender's address as four octets. Node's own datagrams cost several times as much.
 */
export function hearKernels(
  device: string,
  index: number,
  heard: (bytes: Buffer, from: Buffer) => void,
): KernelLink {
  const fd = openUdp({
    kind: 'mcast',
    family: 4,
    device,
    index,
    port: KERNEL_PORT,
    group: SYNC_GROUP,
    ttl: 1,
    loop: true,
  });
  prepare(fd);
  const from = Buffer.alloc(16);
  const watch = watchReceived(fd, {into: Buffer.alloc(65_536), from}, (bytes) =>
    heard(Buffer.from(bytes), from.subarray(ADDRESS, ADDRESS + 4)),
  );
  return {close: () => watch.stop()};
}

export interface PeerLink {
  /** Sends to the peer's address, or to the group while that is unknown. */
  send(frame: Buffer, address: string | undefined): void;
  close(): void;
}

/** Accepts frames of this link (`hs`, see @hactl/channel) only: forwarded datagrams and others do not wake the process. */
const filter = passAll([payloadAtLeast(OVERHEAD), payloadIs(16, 0, 0x6873), hopsAre255(4)]);

export function openPeerLink(device: string, index: number, port: number, heard: Heard): PeerLink {
  const common = {family: 4, device, index, port, ttl: 255, filter} as const;
  const fd = openUdp({...common, kind: 'ucast'});
  const outlet = openOutlet(fd, adopt(fd, heard), port);
  const group = adopt(openUdp({...common, kind: 'mcast', group: SYNC_GROUP, loop: false}), heard);
  return {
    send: (frame, address) => {
      if (address === undefined) group.send(frame, port, SYNC_GROUP, () => undefined);
      else outlet.send(frame, address);
    },
    close: () => {
      outlet.close();
      group.close();
    },
  };
}
