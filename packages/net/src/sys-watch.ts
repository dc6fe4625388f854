/** Watches descriptors: singly in the event loop, or many at once with epoll(7). */
import koffi from 'koffi';
import os from 'node:os';
import {check, libc} from './libc.ts';
import {abi, closeFd, receive, receiveFrom} from './sys.ts';

const sysEpollCreate = libc.func('int epoll_create1(int flags)');
const sysEpollCtl = libc.func('int epoll_ctl(int epoll, int op, int fd, const uint8_t *event)');
const sysEpollWait = libc.func('int epoll_wait(int epoll, _Out_ uint8_t *events, int most, int timeout)');

const EPOLL_CTL_ADD = 1;
/** struct epoll_event is packed on x86_64 only. */
const [EVENT_SIZE, EVENT_DATA] = os.arch() === 'x64' ? [12, 4] : [16, 8];

export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 0x8000_0000;

/** A set of descriptors watched together. */
export interface Epoll {
  /** Watches a descriptor until it is closed; its events are reported under this number (32 bits). */
  add(fd: number, wanted: number, number: number): void;
  /** Returns pending events, at most this many at once. For the rest `ready` is called again in the next turn. */
  take(happened: (number: number, events: number) => void): void;
}

/** Calls `ready` when `take` has events, until the process ends; does not keep the process alive by itself. */
export function openEpoll(most: number, ready: () => void): Epoll {
  const epoll = check(sysEpollCreate(abi.SOCK_CLOEXEC) as number, 'epoll_create1', 'epoll');
  const event = Buffer.alloc(EVENT_SIZE);
  const events = Buffer.alloc(EVENT_SIZE * most);
  watchReadable(epoll, ready).unref();
  return {
    add: (fd, wanted, number) => {
      event.writeUInt32LE(wanted, 0);
      event.writeInt32LE(number, EVENT_DATA);
      check(sysEpollCtl(epoll, EPOLL_CTL_ADD, fd, event) as number, 'epoll_ctl', `descriptor ${fd}`);
    },
    take: (happened) => {
      const count = sysEpollWait(epoll, events, most, 0) as number;
      for (let index = 0; index < count; index += 1)
        happened(
          events.readInt32LE(index * EVENT_SIZE + EVENT_DATA),
          events.readUInt32LE(index * EVENT_SIZE),
        );
    },
  };
}

/** A watch on a descriptor. It must stay referenced: garbage collection of the handle silently ends the watch. */
export interface Watch {
  stop(): void;
}

type PollCallback = (status: number, events: unknown) => void;

interface PollHandle {
  start(options: {readable: boolean}, callback: PollCallback): void;
  stop(): void;
  close(): void;
  unref(): void;
}

// The callback gets (status, events); koffi's types omit the status.
const {poll} = (
  koffi as unknown as {node: {poll: (fd: number, options: object, callback: PollCallback) => PollHandle}}
).node;

const watched = new Set<PollHandle>();

/** Maximum messages per turn of the event loop: a flood on one socket must not delay adverts on another. */
const BATCH = 64;

/**
 * Calls `take` with each message on a non-blocking socket, valid until it returns. `from` receives the sender's
 * socket address. Stopping the watch closes the socket.
 */
export function watchReceived(
  fd: number,
  {into, from}: {readonly into: Buffer; readonly from?: Buffer},
  take: (message: Buffer) => void,
): Watch {
  const watch = watchReadable(fd, () => {
    for (let taken = 0; taken < BATCH; taken += 1) {
      const length = from
        ? receiveFrom(fd, into, abi.MSG_DONTWAIT, from)
        : receive(fd, into, abi.MSG_DONTWAIT);
      if (length < 0) return;
      take(into.subarray(0, length));
    }
  });
  return {
    stop: () => {
      watch.stop();
      closeFd(fd);
    },
  };
}

/** Calls `ready` whenever the descriptor is readable. An error of the poll (netlink's overrun) restarts the watch. */
export function watchReadable(
  fd: number,
  ready: () => void,
): Watch & {
  /** Stops keeping the process alive. */
  unref(): void;
} {
  const callback: PollCallback = (status) => {
    ready();
    if (status < 0 && watched.has(handle)) handle.start({readable: true}, callback);
  };
  const handle = poll(fd, {readable: true}, callback);
  watched.add(handle);
  return {
    stop: () => {
      if (!watched.delete(handle)) return;
      handle.stop();
      handle.close();
    },
    unref: () => handle.unref(),
  };
}
