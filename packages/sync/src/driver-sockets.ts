/** The sockets on a UDP port of this machine, from /proc/net/udp: those of this process, and those of the kernel. */
import {closeSync, openSync, readdirSync, readlinkSync, readSync} from 'node:fs';
import {procAddress, socketQueues, type SocketQueue} from './kernel-queue.ts';

export interface PortSockets {
  readonly queues: (whose: 'kernel' | 'own') => SocketQueue[];
  /** Refreshes the owners: an inode may have been reused. */
  readonly forget: () => void;
  readonly close: () => void;
}

/** The kernel fills a read of /proc up to its own page. */
const PAGE = 65_536;

/** A file of /proc that is read often: it stays open. Once closed it is empty. */
function openProc(file: string): {readonly read: () => string; readonly close: () => void} {
  const fd = openSync(file, 'r');
  const page = Buffer.alloc(PAGE);
  let open = true;
  return {
    read: () => {
      let text = '';
      for (let octets = -1, position = 0; open && octets !== 0; position += octets) {
        octets = readSync(fd, page, 0, PAGE, position);
        text += page.toString('latin1', 0, octets);
      }
      return text;
    },
    close: () => {
      if (open) closeSync(fd);
      open = false;
    },
  };
}

/** Datagrams dropped, over all sockets. */
export const dropsOf = (queues: readonly SocketQueue[]): number =>
  queues.reduce((sum, {drops}) => sum + drops, 0);

/** Octets queued, over all sockets. */
export const queuedIn = (queues: readonly SocketQueue[]): number =>
  queues.reduce((sum, {queued}) => sum + queued, 0);

/** Inodes of this process's own sockets: the others on the port are the kernel's. */
function readOwnInodes(): Set<number> {
  const inodes = new Set<number>();
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
      if (inode !== undefined) inodes.add(Number(inode));
    } catch {
      // The directory's own descriptor is closed by now.
    }
  }
  return inodes;
}

export function makePortSockets(group: string, port: number): PortSockets {
  const bound = procAddress(group, port);
  const listed = openProc('/proc/net/udp');
  let ownInodes: ReadonlySet<number> = new Set();
  let others: ReadonlySet<number> = new Set();
  return {
    queues: (whose) => {
      const queues = socketQueues(listed.read(), bound);
      if (queues.some(({inode}) => !ownInodes.has(inode) && !others.has(inode))) {
        ownInodes = readOwnInodes();
        others = new Set(queues.map(({inode}) => inode).filter((inode) => !ownInodes.has(inode)));
      }
      return queues.filter(({inode}) => ownInodes.has(inode) === (whose === 'own'));
    },
    forget: () => {
      [ownInodes, others] = [new Set(), new Set()];
    },
    close: listed.close,
  };
}
