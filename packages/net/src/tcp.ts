/**
 * TCP connections for many short exchanges: direct system calls, all connections on one epoll. A check over
 * node:net costs 40 us of user time, mostly for creating and collecting dozens of objects; with this, 20 us (measured
 * with 10,000 checks a second).
 */
import {
  abi,
  beginConnect,
  closeFd,
  lastErrno,
  openSocket,
  receive,
  sendTo,
  setOption,
  SystemError,
  readSocketError,
} from './sys.ts';
import {
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  EPOLLRDHUP,
  openEpoll,
  type Epoll,
} from './sys-watch.ts';

const IPPROTO_TCP = 6;
const TCP_QUICKACK = 12;
const OFF = Buffer.alloc(4);
/** struct linger: on, zero seconds. Closing sends RST. */
const LINGER_NONE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);

const WANTED = (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;

/** Connections served per turn of the event loop, so that timers run in between. */
const BATCH = 256;
/** Octets per read, and reads per turn, of one connection. */
const INPUT_SIZE = 1 << 16;
const READS_MAX = 16;

const TARGET = 'TCP connection';
const failure = (op: string, errno: number): SystemError => new SystemError(op, TARGET, errno);

/** A connection's events. They are never called from within a method of the connection. */
export interface TcpListener {
  readonly connected: () => void;
  /** Data arrived; the buffer is valid until this returns. */
  readonly received: (octets: Buffer) => void;
  /** The other side has half-closed. It can still receive. */
  readonly ended: () => void;
  /** The connection has ended; its code is `ECONNREFUSED` and the like. */
  readonly failed: (error: SystemError) => void;
}

export interface TcpOptions {
  /** The client sends first: its data travels with the ACK of the handshake. */
  readonly speaksFirst?: boolean;
}

let epoll: Epoll | undefined;
const connections = new Map<number, TcpConnection>();
const input = Buffer.allocUnsafeSlow(INPUT_SIZE);
let lastNumber = 0;

const lookAfter = (): void => epoll?.take((number, events) => connections.get(number)?.happened(events));

/** A unique number: descriptors are reused while events of the previous owner are still pending. */
function freshNumber(): number {
  do lastNumber = (lastNumber + 1) & 0x7fff_ffff;
  while (connections.has(lastNumber));
  return lastNumber;
}

/** One connection. It does not keep the process alive: its user has a time limit. */
export class TcpConnection {
  readonly #listener: TcpListener;
  readonly #number = freshNumber();
  #fd = -1;
  #connected = false;
  #ended = false;
  #unsent: Uint8Array | undefined;

  /** Starts to connect to a socket address (`socketAddress`). Errors go to the listener. */
  constructor(address: Uint8Array, {speaksFirst = false}: TcpOptions, listener: TcpListener) {
    this.#listener = listener;
    connections.set(this.#number, this);
    try {
      const family = (address[0] ?? 0) | ((address[1] ?? 0) << 8);
      this.#fd = openSocket(family, abi.SOCK_STREAM | abi.SOCK_NONBLOCK, 0, TARGET);
      if (speaksFirst) setOption(this.#fd, IPPROTO_TCP, TCP_QUICKACK, OFF, TARGET);
      if (beginConnect(this.#fd, address) < 0 && lastErrno() !== abi.EINPROGRESS)
        throw failure('connect', lastErrno());
      epoll ??= openEpoll(BATCH, lookAfter);
      epoll.add(this.#fd, WANTED, this.#number);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      queueMicrotask(() => this.#fail(error));
    }
  }

  get closed(): boolean {
    return connections.get(this.#number) !== this;
  }

  /** Sends all of it, the rest as soon as there is room; for a connected connection. */
  send(octets: Uint8Array): void {
    if (this.closed) return;
    if (this.#unsent) {
      this.#unsent = Buffer.concat([this.#unsent, octets]);
      return;
    }
    const sent = sendTo(this.#fd, octets, octets.length, null);
    if (sent === octets.length) return;
    const errno = sent < 0 ? lastErrno() : abi.EAGAIN;
    if (errno === abi.EAGAIN) this.#unsent = octets.subarray(Math.max(0, sent));
    else queueMicrotask(() => this.#fail(failure('send', errno)));
  }

  /** Closes it without further events. With `reset` it sends RST instead of FIN. */
  close(reset = false): void {
    if (this.closed) return;
    connections.delete(this.#number);
    if (this.#fd < 0) return;
    if (reset) setOption(this.#fd, abi.SOL_SOCKET, abi.SO_LINGER, LINGER_NONE, TARGET);
    closeFd(this.#fd);
  }

  /** Handles its epoll events. */
  happened(events: number): void {
    if (!this.#connected) {
      if (events & (EPOLLERR | EPOLLHUP)) return this.#fail(failure('connect', readSocketError(this.#fd)));
      if (!(events & EPOLLOUT)) return;
      this.#connected = true;
      this.#listener.connected();
    } else if (this.#unsent && events & EPOLLOUT) {
      const rest = this.#unsent;
      this.#unsent = undefined;
      this.send(rest);
    }
    if (this.closed) return;
    if (this.#ended && events & EPOLLERR) this.#fail(failure('send', readSocketError(this.#fd)));
    else if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) this.#read(events);
  }

  /**
   * Reads the available data. The epoll is edge-triggered: a short read means that there is no more, unless the other side had
   * closed by then.
   */
  #read(events: number): void {
    const over = (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) !== 0;
    for (let reads = 0; reads < READS_MAX && !this.closed && !this.#ended; reads += 1) {
      const count = receive(this.#fd, input, 0);
      if (count > 0) this.#listener.received(input.subarray(0, count));
      else if (count === 0) {
        this.#ended = true;
        this.#listener.ended();
      } else if (lastErrno() === abi.EAGAIN) return;
      else if (lastErrno() !== abi.EINTR) return this.#fail(failure('receive', lastErrno()));
      if (count > 0 && count < input.length && !over) return;
    }
    // A connection with endless data gives way to the others.
    if (!this.closed && !this.#ended) setImmediate(() => this.#read(events));
  }

  #fail(error: SystemError): void {
    if (this.closed) return;
    this.close();
    this.#listener.failed(error);
  }
}
