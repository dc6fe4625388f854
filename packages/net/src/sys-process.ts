/** System calls for this process: namespace, capabilities, priority and file locks. */
import koffi from 'koffi';
import {readdirSync} from 'node:fs';
import os from 'node:os';
import {check, errnoName, libc, SystemError} from './libc.ts';

const sysSetns = libc.func('int setns(int fd, int type)');
const sysPrctl = libc.func('int prctl(int op, ulong first, ulong second, ulong third, ulong fourth)');
const sysCapset = libc.func('int capset(const uint8_t *header, const uint8_t *data)');
const sysCapget = libc.func('int capget(const uint8_t *header, _Out_ uint8_t *data)');
const sysScheduler = libc.func('int sched_setscheduler(int pid, int policy, const uint8_t *parameters)');
const sysSleep = libc.func('int usleep(uint32_t microseconds)');
const sysFlock = libc.func('int flock(int fd, int operation)');

/** LOCK_EX | LOCK_NB of flock(2). */
const LOCK_NOW = 2 | 4;

/**
 * Locks an open file until this process ends or closes it. False: another process holds the lock. Throws a
 * SystemError if the file system does not support locks.
 */
export function tryLock(descriptor: number): boolean {
  if (sysFlock(descriptor, LOCK_NOW) === 0) return true;
  const errno = koffi.errno();
  if (errno === os.constants.errno.EWOULDBLOCK) return false;
  throw new SystemError('flock', String(descriptor), errno);
}

/** Blocks this thread, and with it the event loop, for a fraction of a millisecond that no timer of the runtime can count. */
export const blockFor = (ms: number): void => void sysSleep(Math.round(ms * 1_000));

const CLONE_NEWNET = 0x4000_0000;

/** Runs `work` in another network namespace (an open descriptor). Synchronous work only. */
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

/** This thread's effective capabilities as a mask (the first 32). */
export function permittedCapabilities(): number {
  const data = Buffer.alloc(24);
  check(sysCapget(CAPABILITY_HEADER, data) as number, 'capget', 'this thread');
  return data.readUInt32LE(4);
}

/** Sets this thread's effective, permitted and inheritable capabilities. */
export function setCapabilities(mask: number): void {
  const data = Buffer.alloc(24);
  for (const offset of [0, 4, 8]) data.writeUInt32LE(mask, offset);
  check(sysCapset(CAPABILITY_HEADER, data) as number, 'capset', 'this thread');
}

const SCHED_FIFO = 1;
/**
 * Makes every thread of this process real-time (SCHED_FIFO): V8 shares garbage collection with helper threads and
 * waits for them, so one helper at ordinary priority under load stops the whole process (silences of 30 to 200 ms were
 * seen). What is not permitted is reported in the result, and the process continues with normal priority. Its memory is not
 * locked: V8 returns pages with madvise, which the kernel refuses for locked pages, and V8 then aborts with
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
  // A thread may end between listing and call; new ones inherit from their creator.
  for (const thread of readdirSync('/proc/self/task')) sysScheduler(Number(thread), SCHED_FIFO, parameters);
  return {realtime: true, text: `SCHED_FIFO ${priority}`};
}
