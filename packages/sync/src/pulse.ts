/**
 * The pulse: how a young connection reaches the peer within milliseconds. The kernel puts records of connections into a
 * buffer and sends it when the next record does not fit, or after two seconds. So connections of our own are made to
 * change their state: their records push those of real ones out. Eight full buffers wake the kernel's sending thread at
 * once; fewer leave within 20 ms (net/netfilter/ipvs/ip_vs_sync.c). Pure.
 *
 * Such a connection is SYN, FIN, RST on `lo`, to the reserved service of @hactl/ipvs: FIN and RST change the state
 * whatever `sync_threshold` says. A socket that drops everything listens there, so that nobody answers. One of them is the
 * *marker*: its port counts the beats, so whoever hears its record knows how far the kernel has got.
 */
import {isPulse, offset} from './entry.ts';

/** Octets of a message's header and of a record of IPv4. */
const HEADER = 8;
const RECORD = 36;
/** Records that a triple of packets makes. */
const PER_TRIPLE = 2;
/** Messages in the kernel's queue that wake its sending thread (IPVS_SYNC_WAKEUP_RATE). */
const WAKE = 8;
/** Ports of the marker, used in turn. */
export const MARKERS = 256;

/** Client addresses of the pulse: .16 to .239, so that two directors hardly ever share one. */
const CLIENT_FIRST = 16;
const CLIENT_COUNT = 224;
export const FIRST_PORT = 1_024;

/** The last octet of a node's client address. */
export const pulseClient = (sender: number): number => CLIENT_FIRST + (sender % CLIENT_COUNT);

/** IPv4 records that fit a message of the master daemon. */
export const recordsOf = (maxlen: number): number => Math.max(1, Math.floor((maxlen - HEADER) / RECORD));

/**
 * Triples after the marker's that push the first of its two records out, and everything before it; `wake`: and make the
 * kernel send at once.
 */
export const triplesOf = (maxlen: number, wake: boolean): number =>
  Math.ceil(((wake ? WAKE : 1) * recordsOf(maxlen) - 1) / PER_TRIPLE);

/** The client ports of a beat: the marker of this number, and the others behind it. */
export const portsOf = (number: number, triples: number): number[] => [
  FIRST_PORT + (number % MARKERS),
  ...Array.from({length: triples}, (_, index) => FIRST_PORT + MARKERS + index),
];

/** The last octet of the client address of a pulse's entry: whose it is. */
export const clientOf = (bytes: Buffer, at: number): number => bytes[at + offset.addresses + 3] ?? 0;

/** Which marker (a beat's number modulo MARKERS) a pulse's entry is; -1: none. */
export function markerOf(bytes: Buffer, at: number): number {
  const marker = isPulse(bytes, at) ? bytes.readUInt16BE(at + offset.clientPort) - FIRST_PORT : -1;
  return marker < MARKERS ? marker : -1;
}

/** Whether this marker is `newest` or came before it: half the markers are behind a beat, the other half still to come. */
export const isReached = (newest: number, marker: number): boolean =>
  (newest - marker + MARKERS) % MARKERS < MARKERS / 2;

/** The newest beat, up to `newest`, with this marker; 0: none. */
export function beatOf(newest: number, marker: number): number {
  const beat = newest - ((((newest - marker) % MARKERS) + MARKERS) % MARKERS);
  return Math.max(0, beat);
}

/** Part of a processor that beats may take: where they cost much they come less often. */
const SHARE = 0.2;
/** However long they take, in ms. */
const LONGEST = 500;

/** The pause before the next beat when one takes `cost` ms. */
export const pauseOf = (interval: number, cost: number): number =>
  Math.max(interval, Math.min(LONGEST, cost / SHARE - cost));

/** Whether a beat is due: connections came since the last one, or a moment ago (their handshake may end later). */
export interface Need {
  /** The kernel's count of new connections after the last beat. */
  count: number;
  movedAt: number;
}

/** A client's handshake ends so much later than its first packet, at most; in ms. */
const LINGER = 400;

export function needsBeat(need: Need, count: number, now: number): boolean {
  if (count !== need.count) {
    need.count = count;
    need.movedAt = now;
  }
  return now - need.movedAt < LINGER;
}

/**
 * Connections made since the boot: the sum over the processors' lines of /proc/net/ip_vs_stats_percpu, hexadecimal. Their
 * total (`~`), and all of /proc/net/ip_vs_stats, is brought up to date by the kernel's estimator only, every two seconds.
 */
export const connectionsMade = (text: string): number =>
  [...text.slice(0, text.indexOf('~')).matchAll(/^ *[0-9A-F]+ +([0-9A-F]+) .*$/gm)].reduce(
    (made, [, conns = '']) => made + parseInt(conns, 16),
    0,
  );
