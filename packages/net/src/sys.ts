/**
 * Socket system calls that Node does not offer. Fixed-size buffers only: a wrong length crashes the process, so every
 * caller is in this package and tested. sys-watch.ts watches descriptors, process calls are in
 * sys-process.ts; only these three and libc.ts use koffi.
 */
import koffi from 'koffi';
import {check, libc} from './libc.ts';

export {errnoName, SystemError} from './libc.ts';

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

const sysIoctl = libc.func('int ioctl(int fd, unsigned long request, _Out_ uint8_t *value)');
const sysClockGettime = libc.func('int clock_gettime(int clock, _Out_ uint8_t *time)');

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
  SO_SNDBUFFORCE: 32,
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

/** Closes a descriptor; errors are ignored. */
export const closeFd = (fd: number): void => {
  sysClose(fd);
};

export const bindSocket = (fd: number, address: Uint8Array, target: string): void => {
  check(sysBind(fd, address, address.length) as number, 'bind', target);
};

/** Sends; returns the kernel's result, -1 with `lastErrno` for an error: on the hot path the caller decides which errors matter. */
export const sendTo = (fd: number, bytes: Uint8Array, length: number, address: Uint8Array | null): number =>
  sysSendto(fd, bytes, length, 0, address, address === null ? 0 : address.length) as number;

/** Receives without blocking; -1 with `lastErrno` EAGAIN if there is nothing. */
export const receive = (fd: number, into: Uint8Array, flags: number): number =>
  sysRecv(fd, into, into.length, flags) as number;

/** Receives with the sender's address written into `address`. */
export const receiveFrom = (fd: number, into: Uint8Array, flags: number, address: Uint8Array): number =>
  sysRecvfrom(fd, into, into.length, flags, address, [address.length]) as number;

/** Starts to connect a non-blocking socket; returns the kernel's result, usually -1 with EINPROGRESS. */
export const beginConnect = (fd: number, address: Uint8Array): number =>
  sysConnect(fd, address, address.length) as number;

/** The pending error of a socket, 0 for none; reading clears it. */
export function readSocketError(fd: number): number {
  const value = Buffer.alloc(4);
  return (sysGetsockopt(fd, abi.SOL_SOCKET, abi.SO_ERROR, value, [4]) as number) < 0
    ? koffi.errno()
    : value.readInt32LE();
}

/** The number of words of SO_MEMINFO, and the index of the drop counter (linux/sock_diag.h). */
const [MEMINFO_WORDS, MEMINFO_DROPS] = [9, 8];

/** Datagrams that the kernel dropped at this socket, by the filter or for lack of space; 0 if not supported. */
export function droppedBy(fd: number): number {
  const words = Buffer.alloc(MEMINFO_WORDS * 4);
  const known = sysGetsockopt(fd, abi.SOL_SOCKET, abi.SO_MEMINFO, words, [words.length]) as number;
  return known < 0 ? 0 : words.readUInt32LE(MEMINFO_DROPS * 4);
}

const SIOCGSTAMPNS = 0x8907;
const CLOCK_REALTIME = 0;
/** No datagram is believed to have waited longer. */
const WAITED_MAX = 10_000;
const stamp = Buffer.alloc(16);
/** A struct timespec in ms, without the high digits of its seconds: a double has room for the nanoseconds then. */
const milliseconds = (time: Buffer): number =>
  (time.readUInt32LE(0) % 1e6) * 1_000 + time.readUInt32LE(8) / 1e6;

/**
 * How long the datagram that was read last from this socket had waited in it, in ms: this process may have read it late. 0 if
 * unknown. The kernel begins to take the time with the first question: ask once when the socket is opened.
 */
export function waitedFor(fd: number): number {
  if ((sysIoctl(fd, SIOCGSTAMPNS, stamp) as number) < 0) return 0;
  const arrived = milliseconds(stamp);
  sysClockGettime(CLOCK_REALTIME, stamp);
  const waited = milliseconds(stamp) - arrived;
  // The wall clock may have been set meanwhile.
  return waited > 0 && waited < WAITED_MAX ? waited : 0;
}

/** The errno of the last call in this file. */
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

/** Attaches a filter: the kernel drops unwanted packets before they reach the socket. */
export const attachFilter = (fd: number, program: readonly FilterInstruction[], target: string): void => {
  const value = {len: program.length, filter: program};
  check(
    sysAttach(fd, abi.SOL_SOCKET, abi.SO_ATTACH_FILTER, value, koffi.sizeof(sockFprog)) as number,
    'attach filter',
    target,
  );
};

/** Sets a 32-bit option. */
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
