/**
 * Puts connections into the local kernel by sending it sync messages, and knows when it has them: /proc/net/udp tells how
 * full the kernel's socket is and what it dropped. A batch that met a drop is sent again; so nothing is lost on the last
 * few metres, however slow the kernel's thread is.
 */
import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {plainSocket} from './driver-link.ts';
import {procAddress, socketQueues, type SocketQueue} from './kernel-queue.ts';

/** Half of the kernel's default receive buffer (212,992), in which a datagram of 5 to 15 kB takes some 17 kB. */
const BATCH_OCTETS = 48_000;
/** When no more than this waits in the queue (with the kernel's overhead) the next batch follows: it never runs dry. */
const LOW_WATER = 30_000;
/** Reading the queue costs a walk through the kernel's UDP sockets: about this many reads for one batch. */
const LOOKS = 4;
const POLL_MIN = 1;
const POLL_MAX = 25;
/** A kernel that does not empty its queue in this time has no backup daemon, or hangs: the batch is abandoned. */
const STUCK = 5_000;
const AGAIN = 200;
/** How long after a live message the queue is looked at. */
const LOOK_LATER = 50;
const MAX_PASSED = 10_000;

export interface InjectorOptions {
  readonly group: string;
  readonly port: number;
  /** The own address on the daemon's interface: chooses the interface. */
  readonly source: string;
  /** 0 keeps it on this machine, whatever the interface. */
  readonly ttl: number;
  readonly syncid: number;
}

/** A message of version 1 (its syncid does not matter) and whom to tell when the kernel has its connections. */
export interface Injection {
  readonly message: Buffer;
  done(): void;
}

export interface Injector {
  /** Fire and forget: a live message, unchanged. */
  pass(message: Buffer): void;
  add(injection: Injection): void;
  readonly port: number;
  readonly stats: {injected: number; again: number; drops: number; waiting: number; stuck: number};
  /** Datagrams of kernels that this process was too slow to hear: its own sockets on that port dropped them. */
  rxDropped(): number;
  /** Octets that wait for this process in its own sockets on that port. */
  rxQueued(): number;
  close(): void;
}

/** Inodes of this process's own sockets: what is left on the port is the kernel's. */
function ownInodes(): Set<number> {
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

export async function openInjector(options: InjectorOptions): Promise<Injector> {
  const socket = plainSocket();
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, options.source, resolve);
  });
  socket.on('error', () => {
    // The interface is down: the kernel drops what comes, and the digests find it.
  });
  socket.setMulticastInterface(options.source);
  socket.setMulticastLoopback(true);
  socket.setMulticastTTL(options.ttl);
  const bound = procAddress(options.group, options.port);
  const waiting: Injection[] = [];
  const stats = {injected: 0, again: 0, drops: 0, waiting: 0, stuck: 0};
  /** Sockets on the port that are this process's, and those that are the kernel's: looked up again for a new one. */
  let own: ReadonlySet<number> = new Set();
  let others: ReadonlySet<number> = new Set();
  /** Batches that the kernel may not have taken yet, the oldest first; two at most. */
  let inFlight: {readonly batch: readonly Injection[]; readonly octets: number}[] = [];
  /** Live messages that the kernel may not have taken yet. */
  let passed: Buffer[] = [];
  /** When a batch was sent or taken last. */
  let movedAt = 0;
  /** Smoothed time that a batch takes the kernel, in ms. */
  let batchTook = 4;
  let dropsBefore: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const forgetSockets = (): void => {
    [own, others] = [new Set(), new Set()];
  };
  const queuesOf = (whose: 'kernel' | 'own'): SocketQueue[] => {
    const queues = socketQueues(readFileSync('/proc/net/udp', 'latin1'), bound);
    if (queues.some(({inode}) => !own.has(inode) && !others.has(inode))) {
      own = ownInodes();
      others = new Set(queues.map(({inode}) => inode).filter((inode) => !own.has(inode)));
    }
    return queues.filter(({inode}) => own.has(inode) === (whose === 'own'));
  };
  const kernelQueues = (): SocketQueue[] => queuesOf('kernel');
  const dropsOf = (queues: readonly SocketQueue[]): number => queues.reduce((sum, one) => sum + one.drops, 0);
  const put = (message: Buffer): void =>
    socket.send(message, options.port, options.group, () => {
      // What the interface refuses, the digests find.
    });
  const wait = (delay: number, work: () => void): void => {
    clearTimeout(timer);
    timer = closed ? undefined : setTimeout(work, delay);
  };

  const poll = (): number => Math.min(POLL_MAX, Math.max(POLL_MIN, batchTook / LOOKS));

  const send = (batch: readonly Injection[]): void => {
    for (const {message} of batch) put(message);
  };
  const sendAgain = (): void => {
    for (const {batch} of inFlight) send(batch);
    movedAt = performance.now();
    wait(poll(), look);
  };

  /** Sends the next batch while there is room for it. */
  const fill = (): void => {
    const batch: Injection[] = [];
    let octets = 0;
    while (waiting.length > 0 && octets < BATCH_OCTETS) {
      const one = waiting.shift()!;
      stats.waiting -= 1;
      octets += one.message.length;
      batch.push(one);
    }
    if (batch.length === 0) return;
    if (dropsBefore === undefined) {
      forgetSockets();
      dropsBefore = dropsOf(kernelQueues());
    }
    if (inFlight.length === 0) movedAt = performance.now();
    inFlight.push({batch, octets});
    send(batch);
  };
  const next = (): void => {
    fill();
    if (inFlight.length > 0) wait(poll(), look);
    else timer = undefined;
  };

  const look = (): void => {
    timer = undefined;
    const queues = kernelQueues();
    const queued = queues.reduce((sum, one) => sum + one.queued, 0);
    const stuck = performance.now() - movedAt >= STUCK;
    if ((queued > 0 && stuck) || queues.length === 0) {
      // No daemon takes it: tried again for as long as somebody waits.
      stats.stuck += 1;
      passed = [];
      return wait(AGAIN, () => {
        forgetSockets();
        dropsBefore = dropsOf(kernelQueues());
        sendAgain();
      });
    }
    const drops = dropsOf(queues);
    if (dropsBefore !== undefined && drops > dropsBefore) {
      // Not into a queue that is still full.
      if (queued > 0) return wait(poll(), look);
      stats.drops += drops - dropsBefore;
      stats.again += 1;
      dropsBefore = drops;
      for (const message of passed) put(message);
      return sendAgain();
    }
    // Fewer: the daemon was restarted, its socket is another.
    dropsBefore = drops;
    // Nothing was dropped: all that was sent is in the queue, or taken. What is left is of the youngest.
    passed = [];
    while (inFlight[0] && queued <= (inFlight[1] ? Math.min(LOW_WATER, inFlight[1].octets) : 0)) finish();
    if (queued <= LOW_WATER && inFlight.length < 2) fill();
    if (inFlight.length > 0) wait(poll(), look);
  };
  const finish = (): void => {
    const now = performance.now();
    batchTook += (now - movedAt - batchTook) / 4;
    movedAt = now;
    const [first] = inFlight.splice(0, 1);
    for (const one of first?.batch ?? []) {
      stats.injected += one.message[4] ?? 0;
      one.done();
    }
  };

  return {
    rxDropped: () => dropsOf(queuesOf('own')),
    rxQueued: () => queuesOf('own').reduce((sum, {queued}) => sum + queued, 0),
    pass: (message) => {
      // A copy: the syncid is the own backup daemon's.
      const copy = Buffer.from(message);
      copy[1] = options.syncid;
      if (dropsBefore === undefined) {
        forgetSockets();
        dropsBefore = dropsOf(kernelQueues());
      }
      put(copy);
      if (passed.length < MAX_PASSED) passed.push(copy);
      if (inFlight.length === 0) movedAt = performance.now();
      if (timer === undefined) wait(LOOK_LATER, look);
    },
    add: (injection) => {
      injection.message[1] = options.syncid;
      waiting.push(injection);
      stats.waiting += 1;
      // A look at live messages alone can wait; a batch should not.
      if (inFlight.length === 0) wait(0, next);
    },
    get port() {
      return socket.address().port;
    },
    stats,
    close: () => {
      closed = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}
