/**
 * TCP connections for many short exchanges: the system calls themselves, all connections on one epoll. A check over
 * node:net costs 40 us of user time, most of it in making and collecting its dozens of objects; over this, 20 (measured
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
  takeSocketError,
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
/** struct linger: on, no time. Closing sends RST. */
const LINGER_NONE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);

const WANTED = (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;

/** One turn of the event loop looks after so many connections: timers have their turn between. */
const BATCH = 256;
/** From one connection so much is read in a turn, and this many times over. */
const INPUT_SIZE = 1 << 16;
const READS_MAX = 16;

const TARGET = 'TCP connection';
const failure = (op: string, errno: number): SystemError => new SystemError(op, TARGET, errno);

/** A connection's events. None is called from within a method of the connection. */
export interface TcpListener {
  readonly connected: () => void;
  /** Data arrived; the buffer is valid until this returns. */
  readonly received: (octets: Buffer) => void;
  /** The other side has closed its sending direction. It can still receive. */
  readonly ended: () => void;
  /** The connection has ended; its code is `ECONNREFUSED` and the like. */
  readonly failed: (error: SystemError) => void;
}

export interface TcpOptions {
  /** We send first, as soon as we are connected: the handshake's ACK travels with our data. */
  readonly speaksFirst?: boolean;
}

let epoll: Epoll | undefined;
const connections = new Map<number, TcpConnection>();
const input = Buffer.allocUnsafeSlow(INPUT_SIZE);
let lastNumber = 0;

const lookAfter = (): void => epoll?.take((number, events) => connections.get(number)?.happened(events));

/** A number that no connection has: a descriptor's own is given anew while word of its former bearer is still about. */
function freshNumber(): number {
  do lastNumber = (lastNumber + 1) & 0x7fff_ffff;
  while (connections.has(lastNumber));
  return lastNumber;
}

/** One connection. It does not keep the process alive: whoever waits for it has a time limit. */
export class TcpConnection {
  readonly #listener: TcpListener;
  readonly #number = freshNumber();
  #fd = -1;
  #connected = false;
  #ended = false;
  #unsent: Uint8Array | undefined;

  /** Begins to connect to a socket address (`socketAddress`). Errors go to the listener. */
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

  /** Sends all of it, what does not go at once as soon as it does; for a connection that was told to be connected. */
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

  /** Closes it; its listener gets no more events. With `reset` it sends RST instead of FIN. */
  close(reset = false): void {
    if (this.closed) return;
    connections.delete(this.#number);
    if (this.#fd < 0) return;
    if (reset) setOption(this.#fd, abi.SOL_SOCKET, abi.SO_LINGER, LINGER_NONE, TARGET);
    closeFd(this.#fd);
  }

  /** What the epoll says of it. */
  happened(events: number): void {
    if (!this.#connected) {
      if (events & (EPOLLERR | EPOLLHUP)) return this.#fail(failure('connect', takeSocketError(this.#fd)));
      if (!(events & EPOLLOUT)) return;
      this.#connected = true;
      this.#listener.connected();
    } else if (this.#unsent && events & EPOLLOUT) {
      const rest = this.#unsent;
      this.#unsent = undefined;
      this.send(rest);
    }
    if (this.closed) return;
    if (this.#ended && events & EPOLLERR) this.#fail(failure('send', takeSocketError(this.#fd)));
    else if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) this.#read(events);
  }

  /**
   * Reads what there is. An edge is told once: less than fits means that there is no more, unless the other side had
   * ended by then.
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
    // One that never stops talking lets the others have their turn.
    if (!this.closed && !this.#ended) setImmediate(() => this.#read(events));
  }

  #fail(error: SystemError): void {
    if (this.closed) return;
    this.close();
    this.#listener.failed(error);
  }
}
