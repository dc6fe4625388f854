/**
 * The pulse gets young connections to the peer within milliseconds. The kernel collects connection records in a buffer and
 * sends it when the next record does not fit, or after two seconds. So we make connections of our own change state: their
 * records push out those of real connections. Eight full buffers wake the kernel's sending thread at once; fewer leave within
 * 20 ms (net/netfilter/ipvs/ip_vs_sync.c). Pure.
 *
 * Such a connection is SYN, FIN, RST on `lo`, to the reserved service of @hactl/ipvs: FIN and RST change the state regardless
 * of `sync_threshold`. A socket that drops everything listens there, so that nothing answers. One of them is the *marker*: its
 * port counts the beats, so its record shows how far the kernel has sent.
 */
import {isPulse, offset} from './entry.ts';

/** Octets of a message's header and of an IPv4 record. */
const HEADER = 8;
const RECORD = 36;
/** Records made by a triple of packets. */
const PER_TRIPLE = 2;
/** Messages in the kernel's queue that wake its sending thread (IPVS_SYNC_WAKEUP_RATE). */
const WAKE = 8;
/** Ports of the marker, used in turn. */
export const MARKERS = 256;

/** Client addresses of the pulse: .16 to .239, so that two directors rarely share one. */
const CLIENT_FIRST = 16;
const CLIENT_COUNT = 224;
export const FIRST_PORT = 1_024;

/** The last octet of a node's client address. */
export const pulseClient = (sender: number): number => CLIENT_FIRST + (sender % CLIENT_COUNT);

/** IPv4 records that fit a message of the master daemon. */
export const recordsOf = (maxlen: number): number => Math.max(1, Math.floor((maxlen - HEADER) / RECORD));

/**
 * Number of triples after the marker's needed to push out the first of its two records and everything before it; `wake`: and
 * to make the kernel send at once.
 */
export const triplesOf = (maxlen: number, wake: boolean): number =>
  Math.ceil(((wake ? WAKE : 1) * recordsOf(maxlen) - 1) / PER_TRIPLE);

/** The client ports of a beat: the marker of this number, then the others. */
export const portsOf = (number: number, triples: number): number[] => [
  FIRST_PORT + (number % MARKERS),
  ...Array.from({length: triples}, (_, index) => FIRST_PORT + MARKERS + index),
];

/** The last octet of the client address of a pulse's entry, which identifies its sender. */
export const clientOf = (bytes: Buffer, start: number): number => bytes[start + offset.addresses + 3] ?? 0;

/** Which marker (a beat's number modulo MARKERS) a pulse's entry is; -1: none. */
export function markerOf(bytes: Buffer, start: number): number {
  const marker = isPulse(bytes, start) ? bytes.readUInt16BE(start + offset.clientPort) - FIRST_PORT : -1;
  return marker < MARKERS ? marker : -1;
}

/** Whether this marker is `newest` or older: half of the markers precede a beat, the other half follow it. */
export const isReached = (newest: number, marker: number): boolean =>
  (newest - marker + MARKERS) % MARKERS < MARKERS / 2;

/** The newest beat, up to `newest`, with this marker; 0: none. */
export function beatOf(newest: number, marker: number): number {
  const beat = newest - ((((newest - marker) % MARKERS) + MARKERS) % MARKERS);
  return Math.max(0, beat);
}

/** Share of a processor for beats: expensive beats are sent less often. */
const SHARE = 0.2;
/** Longest pause between beats, whatever they cost, in ms. */
const LONGEST = 500;

/** The pause before the next beat if one takes `cost` ms. */
export const pauseOf = (interval: number, cost: number): number =>
  Math.max(interval, Math.min(LONGEST, cost / SHARE - cost));

/** Whether a beat is due: new connections since the last one, or a moment ago (their handshake may end later). */
export interface Need {
  /** The kernel's count of new connections after the last beat. */
  count: number;
  movedAt: number;
}

/** Longest time from a client's first packet to the end of its handshake, in ms. */
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
 * total (`~`), and all of /proc/net/ip_vs_stats, is updated only by the kernel's estimator, every two seconds.
 */
export const connectionsMade = (text: string): number =>
  [...text.slice(0, text.indexOf('~')).matchAll(/^ *[0-9A-F]+ +([0-9A-F]+) .*$/gm)].reduce(
    (made, [, conns = '']) => made + parseInt(conns, 16),
    0,
  );
