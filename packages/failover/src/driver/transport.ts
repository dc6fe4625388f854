/** Sends and receives adverts on every path of ha.cf. A failed path is reported and retried; the others continue. */
import dgram from 'node:dgram';
import {
  abi,
  attachFilter,
  droppedBy,
  errnoName,
  lastErrno,
  openUdp,
  sendTo,
  setIntOption,
  socketAddress,
  waitedFor,
} from '@hactl/net';
import type {EnginePath} from '../messages.ts';
import {advertFilter, insistsOnLink, sentHops, type Surroundings} from './strangers.ts';

/** Receive buffer for datagrams that arrive while the engine is busy, in octets. */
const RECEIVE_BUFFER = 1 << 20;

export interface Path {
  readonly name: string;
  readonly device: string;
  sent: number;
  received: number;
  /** Datagrams that the kernel dropped during the socket's lifetime: strangers', and those that did not fit the buffer. */
  readonly dropped: number;
  error: string | undefined;
}

export interface Transport {
  readonly paths: readonly Path[];
  /** Sends one datagram on a path. */
  send(path: number, bytes: Buffer): void;
  /** Opens closed paths (an interface returned), and adapts filters to the current addresses. */
  reopen(around: Surroundings): void;
  close(): void;
}

const pathName = (path: EnginePath): string => {
  if (path.kind === 'mcast') return `mcast ${path.device} ${path.group}:${path.port}`;
  return path.kind === 'ucast'
    ? `ucast ${path.device} ${path.peer}:${path.port}`
    : `bcast ${path.device}:${path.port}`;
};

interface OpenPath {
  readonly socket: dgram.Socket;
  readonly fd: number;
  readonly to: Buffer;
  readonly index: number;
  readonly family: 4 | 6;
  /** Whether its filter requires a TTL of 255. */
  onLink: boolean;
}

function enlarge(fd: number): void {
  try {
    setIntOption(fd, abi.SOL_SOCKET, abi.SO_RCVBUFFORCE, RECEIVE_BUFFER, 'heartbeat');
  } catch {
    // Without CAP_NET_ADMIN the system's maximum buffer must do.
  }
}

/**
 * Opens all paths. `received` is called for each datagram with the path's index and how long the datagram waited in the socket,
 * in ms; it returns whether the datagram counts as
 * received: the kernel loops a sender's own broadcasts back.
 */
export function openTransport(
  paths: readonly EnginePath[],
  around: Surroundings,
  received: (path: number, bytes: Buffer, from: string, waited: number) => boolean,
): Transport {
  const open: (OpenPath | undefined)[] = paths.map(() => undefined);
  const states: Path[] = paths.map((path, index) => ({
    name: pathName(path),
    device: path.device,
    sent: 0,
    received: 0,
    get dropped() {
      const opened = open[index];
      return opened ? droppedBy(opened.fd) : 0;
    },
    error: 'not open',
  }));

  function openPath(index: number, around: Surroundings): void {
    const [path, state] = [paths[index], states[index]];
    if (!path || !state) return;
    const link = around.links.find((link) => link.name === path.device);
    if (!link) {
      state.error = `no interface ${path.device}`;
      return;
    }
    const target = path.kind === 'mcast' ? path.group : path.kind === 'ucast' ? path.peer : '255.255.255.255';
    // An address. Node's isIPv6 would compile a large expression first: 10 ms of a start.
    const family = target.includes(':') ? 6 : 4;
    const onLink = insistsOnLink(path, paths, around);
    try {
      const fd = openUdp({
        kind: path.kind,
        family,
        device: path.device,
        index: link.index,
        port: path.port,
        ...(path.kind === 'mcast' ? {group: path.group, loop: path.loop} : {}),
        ttl: sentHops(path, around),
        filter: advertFilter(family, around.cluster, onLink),
      });
      enlarge(fd);
      // From now on the kernel takes the time of each datagram.
      waitedFor(fd);
      const socket = dgram.createSocket(family === 6 ? 'udp6' : 'udp4');
      socket.on('message', (bytes, from) => {
        if (received(index, bytes, from.address, waitedFor(fd))) state.received += 1;
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        state.error = error.code ?? error.message;
      });
      socket.bind({fd, exclusive: true});
      const to = socketAddress(target, path.port, link.index);
      open[index] = {socket, fd, to, index: link.index, family, onLink};
      state.error = undefined;
    } catch (error) {
      state.error = error instanceof Error ? error.message : String(error);
    }
  }

  const closePath = (index: number): void => {
    open[index]?.socket.close();
    open[index] = undefined;
  };
  /** Adapts the open paths to the current addresses. */
  const judgeAnew = (open: OpenPath, path: EnginePath, around: Surroundings): void => {
    const onLink = insistsOnLink(path, paths, around);
    if (onLink === open.onLink) return;
    attachFilter(open.fd, advertFilter(open.family, around.cluster, onLink), pathName(path));
    open.onLink = onLink;
  };
  for (const index of paths.keys()) openPath(index, around);

  return {
    paths: states,
    send: (index, bytes) => {
      const [opened, state] = [open[index], states[index]];
      if (!opened || !state) return;
      if (sendTo(opened.fd, bytes, bytes.length, opened.to) < 0)
        state.error = `send: ${errnoName(lastErrno())}`;
      else {
        state.sent += 1;
        state.error = undefined;
      }
    },
    reopen: (now) => {
      for (const [index, path] of paths.entries()) {
        const link = now.links.find((link) => link.name === path.device);
        if (open[index] && link?.index !== open[index]?.index) closePath(index);
        const opened = open[index];
        if (opened) judgeAnew(opened, path, now);
        else openPath(index, now);
      }
    },
    close: () => {
      for (const index of paths.keys()) closePath(index);
    },
  };
}
