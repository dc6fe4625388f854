/** Sends and receives adverts on every path of ha.cf. A path that fails is reported and tried again; others go on. */
import dgram from 'node:dgram';
import {isIPv6} from 'node:net';
import {lastErrno, errnoName, openUdp, sendTo, socketAddress, type Link} from '@hactl/net';
import type {EnginePath} from '../messages.ts';

export interface Path {
  readonly name: string;
  readonly device: string;
  sent: number;
  received: number;
  error: string | undefined;
}

export interface Transport {
  readonly paths: readonly Path[];
  /** Sends one datagram on a path. */
  send(path: number, bytes: Buffer): void;
  /** Opens paths that are not open (an interface came back). */
  reopen(links: readonly Link[]): void;
  close(): void;
}

const pathName = (path: EnginePath): string => {
  if (path.kind === 'mcast') return `mcast ${path.device} ${path.group}:${path.port}`;
  return path.kind === 'ucast'
    ? `ucast ${path.device} ${path.peer}:${path.port}`
    : `bcast ${path.device}:${path.port}`;
};

/**
 * Opens all paths. `received` is called for each datagram with the path's place; it says whether the datagram counts as
 * received: the kernel gives a sender its own broadcasts too.
 */
export function openTransport(
  paths: readonly EnginePath[],
  links: readonly Link[],
  received: (path: number, bytes: Buffer, from: string) => boolean,
): Transport {
  const states: Path[] = paths.map((path) => ({
    name: pathName(path),
    device: path.device,
    sent: 0,
    received: 0,
    error: 'not open',
  }));
  const open: ({socket: dgram.Socket; fd: number; to: Buffer; index: number} | undefined)[] = paths.map(
    () => undefined,
  );

  function openPath(place: number, all: readonly Link[]): void {
    const [path, state] = [paths[place], states[place]];
    if (!path || !state) return;
    const link = all.find((one) => one.name === path.device);
    if (!link) {
      state.error = `no interface ${path.device}`;
      return;
    }
    const target = path.kind === 'mcast' ? path.group : path.kind === 'ucast' ? path.peer : '255.255.255.255';
    const family = isIPv6(target) ? 6 : 4;
    try {
      const fd = openUdp({
        kind: path.kind,
        family,
        device: path.device,
        index: link.index,
        port: path.port,
        ...(path.kind === 'mcast' ? {group: path.group, ttl: path.ttl, loop: path.loop} : {}),
      });
      const socket = dgram.createSocket(family === 6 ? 'udp6' : 'udp4');
      socket.on('message', (bytes, from) => {
        if (received(place, bytes, from.address)) state.received += 1;
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        state.error = error.code ?? error.message;
      });
      socket.bind({fd, exclusive: true});
      open[place] = {socket, fd, to: socketAddress(target, path.port, link.index), index: link.index};
      state.error = undefined;
    } catch (error) {
      state.error = error instanceof Error ? error.message : String(error);
    }
  }

  const closePath = (place: number): void => {
    open[place]?.socket.close();
    open[place] = undefined;
  };
  for (const place of paths.keys()) openPath(place, links);

  return {
    paths: states,
    send: (place, bytes) => {
      const [one, state] = [open[place], states[place]];
      if (!one || !state) return;
      if (sendTo(one.fd, bytes, bytes.length, one.to) < 0) state.error = `send: ${errnoName(lastErrno())}`;
      else {
        state.sent += 1;
        state.error = undefined;
      }
    },
    reopen: (all) => {
      for (const [place, path] of paths.entries()) {
        const link = all.find((one) => one.name === path.device);
        if (open[place] && link?.index !== open[place]?.index) closePath(place);
        if (!open[place]) openPath(place, all);
      }
    },
    close: () => {
      for (const place of paths.keys()) closePath(place);
    },
  };
}
