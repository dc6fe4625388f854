/**
 * The system calls that Node does not offer, through koffi; nothing else in the project imports koffi. Fixed-size
 * buffers only: a wrong length here is a crash, so every caller of these sits in this package and is tested.
 */
import {readdirSync} from 'node:fs';
import koffi from 'koffi';
import os from 'node:os';

const libc = koffi.load('libc.so.6');
const sysSocket = libc.func('int socket(int domain, int type, int protocol)');
const sysClose = libc.func('int close(int fd)');
const sysBind = libc.func('int bind(int fd, const uint8_t *address, uint32_t length)');
const sysSendto = libc.func(
  'long sendto(int fd, const uint8_t *bytes, size_t length, int flags, const uint8_t *address, uint32_t size)',
);
const sysRecv = libc.func('long recv(int fd, _Out_ uint8_t *bytes, size_t length, int flags)');
const sysRecvfrom = libc.func(
  'long recvfrom(int fd, _Out_ uint8_t *bytes, size_t length, int flags, _Out_ uint8_t *address, _Inout_ uint32_t *size)',
);
const sysSetsockopt = libc.func(
  'int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t length)',
);
const sysGetsockopt = libc.func(
  'int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)',
);
const sysConnect = libc.func('int connect(int fd, const uint8_t *address, uint32_t length)');
const sysEpollCreate = libc.func('int epoll_create1(int flags)');
const sysEpollCtl = libc.func('int epoll_ctl(int epoll, int op, int fd, const uint8_t *event)');
const sysEpollWait = libc.func('int epoll_wait(int epoll, _Out_ uint8_t *events, int most, int timeout)');
const sysSetns = libc.func('int setns(int fd, int type)');
const sysPrctl = libc.func('int prctl(int op, ulong first, ulong second, ulong third, ulong fourth)');
const sysCapset = libc.func('int capset(const uint8_t *header, const uint8_t *data)');
const sysCapget = libc.func('int capget(const uint8_t *header, _Out_ uint8_t *data)');
const sysScheduler = libc.func('int sched_setscheduler(int pid, int policy, const uint8_t *parameters)');

const sysFlock = libc.func('int flock(int fd, int operation)');

const errnoNames = new Map(Object.entries(os.constants.errno).map(([name, value]) => [value, name]));

/** The name of an error number, `EEXIST`; `E117` where Node knows no name. */
export const errnoName = (errno: number): string => errnoNames.get(errno) ?? `E${errno}`;

/** A system call failed: what was tried, on what, and the kernel's answer. */
export class SystemError extends Error {
  override name = 'SystemError';
  readonly op: string;
  readonly target: string;
  readonly code: string;
  readonly errno: number;

  constructor(op: string, target: string, errno: number) {
    super(`${op} ${target}: ${errnoName(errno)}`);
    this.op = op;
    this.target = target;
    this.code = errnoName(errno);
    this.errno = errno;
  }
}

const check = (result: number, op: string, target: string): number => {
  if (result < 0) throw new SystemError(op, target, koffi.errno());
  return result;
};

/** LOCK_EX | LOCK_NB of flock(2). */
const LOCK_NOW = 2 | 4;

/**
 * Locks an open file for this process, as long as it lives or has the file open. False: another process has it. Throws a
 * SystemError where the file system knows no locks.
 */
export function tryLock(descriptor: number): boolean {
  if (sysFlock(descriptor, LOCK_NOW) === 0) return true;
  const errno = koffi.errno();
  if (errno === os.constants.errno.EWOULDBLOCK) return false;
  throw new SystemError('flock', String(descriptor), errno);
}

/** Constants of Linux's ABI (x86_64 and arm64 agree on these). */
export const abi = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  AF_PACKET: 17,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_ERROR: 4,
  SO_BROADCAST: 6,
  SO_RCVBUF: 8,
  SO_PRIORITY: 12,
  SO_LINGER: 13,
  SO_REUSEPORT: 15,
  SO_RCVTIMEO: 20,
  SO_BINDTODEVICE: 25,
  SO_ATTACH_FILTER: 26,
  SO_RCVBUFFORCE: 33,
  SO_MEMINFO: 55,
  MSG_DONTWAIT: 0x40,
  EINTR: 4,
  EAGAIN: 11,
  ENOBUFS: 105,
  EINPROGRESS: 115,
} as const;

/** Opens a socket, close-on-exec. */
export const openSocket = (domain: number, type: number, protocol: number, target: string): number =>
  check(sysSocket(domain, type | abi.SOCK_CLOEXEC, protocol) as number, 'socket', target);

/** Closes a descriptor; an error here has no remedy. */
export const closeFd = (fd: number): void => {
  sysClose(fd);
};

export const bindSocket = (fd: number, address: Uint8Array, target: string): void => {
  check(sysBind(fd, address, address.length) as number, 'bind', target);
};

/** Sends; the result is the kernel's, -1 with `lastErrno` for an error: the hot path decides itself what matters. */
export const sendTo = (fd: number, bytes: Uint8Array, length: number, address: Uint8Array | null): number =>
  sysSendto(fd, bytes, length, 0, address, address === null ? 0 : address.length) as number;

/** Receives without waiting; -1 with `lastErrno` EAGAIN when there is nothing. */
export const receive = (fd: number, into: Uint8Array, flags: number): number =>
  sysRecv(fd, into, into.length, flags) as number;

/** Receives with the sender's address written into `address`. */
export const receiveFrom = (fd: number, into: Uint8Array, flags: number, address: Uint8Array): number =>
  sysRecvfrom(fd, into, into.length, flags, address, [address.length]) as number;

/** Begins to connect a socket that does not block; the result is the kernel's, -1 with EINPROGRESS as a rule. */
export const beginConnect = (fd: number, address: Uint8Array): number =>
  sysConnect(fd, address, address.length) as number;

/** The pending error of a socket, 0 for none; reading clears it. */
export function takeSocketError(fd: number): number {
  const value = Buffer.alloc(4);
  return (sysGetsockopt(fd, abi.SOL_SOCKET, abi.SO_ERROR, value, [4]) as number) < 0
    ? koffi.errno()
    : value.readInt32LE();
}

/** Words of SO_MEMINFO, and which of them counts what was dropped (linux/sock_diag.h). */
const [MEMINFO_WORDS, MEMINFO_DROPS] = [9, 8];

/** How many datagrams the kernel dropped at this socket, by its filter or for want of room; 0 where it does not say. */
export function droppedBy(fd: number): number {
  const words = Buffer.alloc(MEMINFO_WORDS * 4);
  const known = sysGetsockopt(fd, abi.SOL_SOCKET, abi.SO_MEMINFO, words, [words.length]) as number;
  return known < 0 ? 0 : words.readUInt32LE(MEMINFO_DROPS * 4);
}

const EPOLL_CTL_ADD = 1;
/** struct epoll_event is packed on x86_64 only. */
const [EVENT_SIZE, EVENT_DATA] = os.arch() === 'x64' ? [12, 4] : [16, 8];

export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
export const EPOLLET = 0x8000_0000;

/** Many descriptors that are watched as one. */
export interface Epoll {
  /** Watches a descriptor until it is closed; its events are reported under this number (32 bits). */
  add(fd: number, wanted: number, number: number): void;
  /** Returns pending events, at most this many at once. For the rest `ready` is called again in the next turn. */
  take(happened: (number: number, events: number) => void): void;
}

/** Calls `ready`, until the process ends, when `take` has something to tell; this alone does not keep a process alive. */
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
      for (let at = 0; at < count; at += 1)
        happened(events.readInt32LE(at * EVENT_SIZE + EVENT_DATA), events.readUInt32LE(at * EVENT_SIZE));
    },
  };
}

/** The error of the last call of this file. */
export const lastErrno = (): number => koffi.errno();

export const setOption = (
  fd: number,
  level: number,
  name: number,
  value: Uint8Array,
  target: string,
): void => {
  check(sysSetsockopt(fd, level, name, value, value.length) as number, 'setsockopt', target);
};

/** One instruction of the kernel's packet filter (linux/filter.h). */
export interface FilterInstruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

koffi.struct('sock_filter', {code: 'uint16_t', jt: 'uint8_t', jf: 'uint8_t', k: 'uint32_t'});
const sockFprog = koffi.struct('sock_fprog', {len: 'uint16_t', filter: 'sock_filter *'});
const sysAttach = libc.func(
  'int setsockopt(int fd, int level, int name, const sock_fprog *value, uint32_t length)',
);

/** Lets the kernel drop what the filter does not want before the socket gets it. */
export const attachFilter = (fd: number, program: readonly FilterInstruction[], target: string): void => {
  const value = {len: program.length, filter: program};
  check(
    sysAttach(fd, abi.SOL_SOCKET, abi.SO_ATTACH_FILTER, value, koffi.sizeof(sockFprog)) as number,
    'attach filter',
    target,
  );
};

/** A 32-bit option. */
export const setIntOption = (
  fd: number,
  level: number,
  name: number,
  value: number,
  target: string,
): void => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  setOption(fd, level, name, bytes, target);
};

const CLONE_NEWNET = 0x4000_0000;

/** Runs `work` with this thread in another network namespace (by open descriptor). Synchronous work only. */
export function withNamespace<T>(target: number, home: number, work: () => T): T {
  check(sysSetns(target, CLONE_NEWNET) as number, 'setns', 'network namespace');
  try {
    return work();
  } finally {
    check(sysSetns(home, CLONE_NEWNET) as number, 'setns', 'own network namespace');
  }
}

/** prctl(2) of the calling thread; the result is the kernel's, -1 with `lastErrno`. */
export const threadControl = (op: number, first = 0, second = 0): number =>
  sysPrctl(op, first, second, 0, 0) as number;

/** struct __user_cap_header_struct: version 3, this thread. */
const CAPABILITY_HEADER = Buffer.from([0x22, 0x05, 0x08, 0x20, 0, 0, 0, 0]);

/** The capabilities that this thread may make use of, as a mask (the first 32 of them). */
export function permittedCapabilities(): number {
  const data = Buffer.alloc(24);
  check(sysCapget(CAPABILITY_HEADER, data) as number, 'capget', 'this thread');
  return data.readUInt32LE(4);
}

/** Gives this thread these capabilities, effective, permitted and inheritable, and no others. */
export function setCapabilities(mask: number): void {
  const data = Buffer.alloc(24);
  for (const offset of [0, 4, 8]) data.writeUInt32LE(mask, offset);
  check(sysCapset(CAPABILITY_HEADER, data) as number, 'capset', 'this thread');
}

const SCHED_FIFO = 1;
/**
 * Makes every thread of this process real-time (SCHED_FIFO): V8 shares the collection of garbage with helper threads and
 * waits for them, so one helper at ordinary priority under load stops the whole process (silences of 30 to 200 ms were
 * seen). What is not permitted is reported in the result, and the process continues with normal priority. Its memory is not
 * locked: V8 gives pages back with madvise, which the kernel refuses on locked ones, and V8 then ends the process with
 * SIGTRAP (seen twice in one drill, with MCL_ONFAULT too).
 */
export function setRealtime(priority: number): {readonly realtime: boolean; readonly text: string} {
  const parameters = Buffer.alloc(4);
  parameters.writeInt32LE(priority);
  if ((sysScheduler(0, SCHED_FIFO, parameters) as number) < 0)
    return {
      realtime: false,
      text: `not real-time: SCHED_FIFO ${priority} refused (${errnoName(koffi.errno())}); needs CAP_SYS_NICE or LimitRTPRIO`,
    };
  // A thread that ends between the listing and the call is no loss; new ones inherit from their maker.
  for (const thread of readdirSync('/proc/self/task')) sysScheduler(Number(thread), SCHED_FIFO, parameters);
  return {realtime: true, text: `SCHED_FIFO ${priority}`};
}

/** A watch on a descriptor. It must be kept referenced: a collected handle ends the watch silently. */
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

// The callback really gets (status, events); koffi's own types leave the status out.
const {poll} = (
  koffi as unknown as {node: {poll: (fd: number, options: object, callback: PollCallback) => PollHandle}}
).node;

const watched = new Set<PollHandle>();

/** Maximum messages per turn of the event loop: a flood on one socket must not keep adverts waiting on another. */
const BATCH = 64;

/**
 * Calls `take` with each message that arrives on a non-blocking socket: valid until it returns. `from` gets the sender's
 * socket address. Stopping closes the socket.
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
  /** From now on it does not keep the process alive. */
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
