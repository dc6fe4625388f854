/**
 * Injects connections into the local kernel by sending it sync messages, and knows when it has them: /proc/net/udp shows the
 * kernel socket's queue and drops. A batch with a drop is sent again, so nothing is lost locally, however slow the kernel's
 * thread is.
 */
import {abi, bindSocket, closeFd, openSocket, socketAddress} from '@hactl/net';
import {openOutlet, plainSocket} from './driver-link.ts';
import {dropsOf, makePortSockets, queuedIn} from './driver-sockets.ts';

/** Half of the kernel's default receive buffer (212,992), in which a datagram of 5 to 15 kB takes some 17 kB. */
const BATCH_OCTETS = 48_000;
/** When at most this much is queued (with the kernel's overhead) the next batch is sent, so that the queue never runs dry. */
const LOW_WATER = 30_000;
/** Reading the queue costs a walk through the kernel's UDP sockets: about this many reads for one batch. */
const LOOKS = 4;
const POLL_MIN = 1;
const POLL_MAX = 25;
/** A kernel that does not drain its queue in this time has no backup daemon, or hangs: the batch is abandoned. */
const STUCK = 5_000;
const AGAIN = 200;
/** Delay before the queue is checked after a live message. */
const LOOK_LATER = 50;
const MAX_PASSED = 10_000;

export interface InjectorOptions {
  readonly group: string;
  readonly port: number;
  /** Our address on the daemon's interface, which selects the interface. */
  readonly source: string;
  /** 0 keeps it on this machine, whatever the interface. */
  readonly ttl: number;
  readonly syncid: number;
}

/** A version-1 message (its syncid is ignored) and the callback for when the kernel has its connections. */
export interface Injection {
  readonly message: Buffer;
  readonly done: () => void;
}

export interface Injector {
  /** Fire and forget: a live message, unchanged. */
  pass(message: Buffer): void;
  add(injection: Injection): void;
  readonly port: number;
  readonly stats: {injected: number; again: number; drops: number; waiting: number; stuck: number};
  /** Datagrams from kernels dropped by this process's own sockets on that port, because it was too slow. */
  rxDropped(): number;
  /** Octets queued in this process's own sockets on that port. */
  rxQueued(): number;
  close(): void;
}

interface Batch {
  readonly batch: readonly Injection[];
  readonly octets: number;
}

/** Takes the next batch from the queue. */
function nextBatch(waiting: Injection[]): Batch {
  const batch: Injection[] = [];
  let octets = 0;
  while (waiting.length > 0 && octets < BATCH_OCTETS) {
    const injection = waiting.shift()!;
    octets += injection.message.length;
    batch.push(injection);
  }
  return {batch, octets};
}

/** Interval between checks of the kernel's queue, in ms, from the time that batches have taken so far. */
function makePace() {
  /** Smoothed time the kernel takes for a batch, in ms. */
  let batchTook = 4;
  return {
    took: (ms: number): void => {
      batchTook += (ms - batchTook) / 4;
    },
    poll: (): number => Math.min(POLL_MAX, Math.max(POLL_MIN, batchTook / LOOKS)),
  };
}

/** A socket that sends to the kernels on the daemon's interface, including this one. */
async function openMulticast({source, ttl, group, port}: InjectorOptions): Promise<{
  readonly put: (message: Buffer) => void;
  readonly port: number;
  readonly close: () => void;
}> {
  const target = `injector ${source}`;
  const fd = openSocket(abi.AF_INET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0, target);
  try {
    bindSocket(fd, socketAddress(source, 0), target);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  const socket = plainSocket();
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({fd, exclusive: true}, resolve);
  });
  socket.on('error', () => {
    // The interface is down: the kernel drops the datagrams, and the digests detect it.
  });
  socket.setMulticastInterface(source);
  socket.setMulticastLoopback(true);
  socket.setMulticastTTL(ttl);
  const {send, close} = openOutlet(fd, socket, port);
  return {put: (message) => send(message, group), port: socket.address().port, close};
}

export async function openInjector(options: InjectorOptions): Promise<Injector> {
  const {put, port, close} = await openMulticast(options);
  const sockets = makePortSockets(options.group, options.port);
  const waiting: Injection[] = [];
  const stats = {injected: 0, again: 0, drops: 0, waiting: 0, stuck: 0};
  /** Batches that the kernel may not have processed yet, oldest first; at most two. */
  const inFlight: Batch[] = [];
  /** Live messages that the kernel may not have processed yet. */
  let passed: Buffer[] = [];
  /** When a batch was last sent or processed. */
  let movedAt = 0;
  const {poll, took} = makePace();
  let dropsBefore: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const wait = (delay: number, work: () => void): void => {
    clearTimeout(timer);
    timer = closed ? undefined : setTimeout(work, delay);
  };

  const noteDrops = (): void => {
    sockets.forget();
    dropsBefore = dropsOf(sockets.queues('kernel'));
  };
  const sendAgain = (): void => {
    for (const {batch} of inFlight) for (const {message} of batch) put(message);
    movedAt = performance.now();
    wait(poll(), look);
  };

  /** Sends the next batch while there is room. */
  const fill = (): void => {
    const next = nextBatch(waiting);
    if (next.batch.length === 0) return;
    stats.waiting = waiting.length;
    if (dropsBefore === undefined) noteDrops();
    if (inFlight.length === 0) movedAt = performance.now();
    inFlight.push(next);
    for (const {message} of next.batch) put(message);
  };
  const next = (): void => {
    timer = undefined;
    fill();
    if (inFlight.length > 0) wait(poll(), look);
  };

  /** No daemon accepts it: retried as long as a caller waits. */
  const waitForDaemon = (): void => {
    stats.stuck += 1;
    passed = [];
    wait(AGAIN, () => {
      noteDrops();
      sendAgain();
    });
  };
  const look = (): void => {
    timer = undefined;
    const queues = sockets.queues('kernel');
    const queued = queuedIn(queues);
    const stuck = performance.now() - movedAt >= STUCK;
    if ((queued > 0 && stuck) || queues.length === 0) return waitForDaemon();
    const drops = dropsOf(queues);
    if (dropsBefore !== undefined && drops > dropsBefore) {
      // Not while the queue is still full.
      if (queued > 0) return wait(poll(), look);
      stats.drops += drops - dropsBefore;
      stats.again += 1;
      dropsBefore = drops;
      for (const message of passed) put(message);
      return sendAgain();
    }
    // Fewer: the daemon was restarted and has a new socket.
    dropsBefore = drops;
    // Nothing was dropped: everything sent is queued or processed. What is still queued belongs to the newest batch.
    passed = [];
    while (inFlight[0] && queued <= (inFlight[1] ? Math.min(LOW_WATER, inFlight[1].octets) : 0)) finish();
    if (queued <= LOW_WATER && inFlight.length < 2) fill();
    if (inFlight.length > 0) wait(poll(), look);
  };
  const finish = (): void => {
    const now = performance.now();
    took(now - movedAt);
    movedAt = now;
    for (const {message, done} of inFlight.shift()?.batch ?? []) {
      stats.injected += message[4] ?? 0;
      done();
    }
  };

  return {
    rxDropped: () => dropsOf(sockets.queues('own')),
    rxQueued: () => queuedIn(sockets.queues('own')),
    pass: (message) => {
      // A copy, with the syncid of our backup daemon.
      const copy = Buffer.from(message);
      copy[1] = options.syncid;
      if (dropsBefore === undefined) noteDrops();
      put(copy);
      if (passed.length < MAX_PASSED) passed.push(copy);
      if (inFlight.length === 0) movedAt = performance.now();
      if (timer === undefined) wait(LOOK_LATER, look);
    },
    add: (injection) => {
      injection.message[1] = options.syncid;
      waiting.push(injection);
      stats.waiting = waiting.length;
      // A check for live messages alone can wait; a batch should not.
      if (inFlight.length === 0) wait(0, next);
    },
    port,
    stats,
    close: () => {
      closed = true;
      clearTimeout(timer);
      sockets.close();
      close();
    },
  };
}
