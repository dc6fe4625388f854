/** Live sync messages of the two kernels: into the mirror, to the peer, into the local kernel. */
import type {SyncContext} from './driver-context.ts';
import type {Injector} from './driver-injector.ts';
import type {Peer} from './driver-peer.ts';
import type {Pulse} from './driver-pulse.ts';
import {asVersion1, entriesOf, HEADER, isPulse, MAX_ENTRIES, messageOf, sizeOf} from './entry.ts';
import {upsert} from './mirror.ts';
import {markerOf} from './pulse.ts';
import type {Hello} from './resync-wire.ts';

/** Octets of entries in one frame, so that it fits an Ethernet frame. */
const ROOM = 1_400;

export interface LivePorts {
  readonly peer: Peer;
  readonly injector: Injector;
  readonly pulse: Pulse | undefined;
}

export interface Live {
  readonly counts: {readonly relayed: number; readonly heard: number; readonly malformed: number};
  /** How long the peer has been ahead of what was received, in ms. */
  readonly lag: number;
  /** A message from the local kernel. */
  own(bytes: Buffer): void;
  /**
   * A message from the peer's kernel; `relayed`: by the peer's process, otherwise the local kernel received it too. Returns
   * the markers of the peer's pulse in it.
   */
  peerKernel(bytes: Buffer, relayed: boolean): number[];
  /** Sends the peer these entries unchanged. */
  tell(entries: readonly Buffer[]): void;
  /** Sends what was collected during this turn. */
  flush(): void;
  newPeer(hello: Hello, lost: number): void;
  hello(hello: Hello): void;
}

export function openLive(context: SyncContext, ports: LivePorts): Live {
  const {settings, mirror, now, mirrorTime} = context;
  const {peer, injector} = ports;
  const relay = settings.mode === 'relay';
  const counts = {relayed: 0, heard: 0, malformed: 0};
  const waiting: Buffer[] = [];
  let flushing: NodeJS.Immediate | undefined;
  let behindSince: number | undefined;

  /** Packs them into as few frames as possible; the peer counts frames. */
  const send = (entries: readonly Buffer[]): void => {
    for (let from = 0; from < entries.length;) {
      let [to, room] = [from, ROOM - HEADER];
      for (; to < entries.length && to - from < MAX_ENTRIES; to += 1) {
        room -= (entries[to]!.length + 3) & ~3;
        if (room < 0 && to > from) break;
      }
      counts.relayed += 1;
      peer.send({type: 'live', message: messageOf(settings.syncid, entries.slice(from, to))});
      from = to;
    }
  };
  const flush = (): void => {
    clearImmediate(flushing);
    flushing = undefined;
    if (waiting.length > 0) send(waiting.splice(0));
  };
  /** The offsets of a message's entries; undefined (and counted) if it is malformed. */
  const startsOf = (message: Buffer | undefined): number[] | undefined => {
    const starts = message && entriesOf(message);
    if (!starts) counts.malformed += 1;
    return starts;
  };

  return {
    counts,
    get lag() {
      return behindSince === undefined ? 0 : now() - behindSince;
    },
    own: (bytes) => {
      const message = asVersion1(bytes);
      const starts = startsOf(message);
      if (!message || !starts) return;
      const second = mirrorTime();
      const relays = relay && peer.believed;
      let real = 0;
      for (const start of starts) {
        if (isPulse(message, start)) {
          ports.pulse?.heard(message, start);
          continue;
        }
        real += 1;
        upsert(mirror, message, start, second);
        if (relays) waiting.push(message.subarray(start, start + sizeOf(message, start)));
      }
      // In multicast mode the kernel has sent it itself.
      if (!relay && real > 0) counts.relayed += 1;
      // All messages from the kernel in one turn of the event loop are sent together.
      if (waiting.length > 0) flushing ??= setImmediate(flush);
    },
    peerKernel: (bytes, relayed) => {
      const message = asVersion1(bytes);
      const starts = startsOf(message);
      if (!message || !starts) return [];
      const second = mirrorTime();
      const markers: number[] = [];
      let real = 0;
      for (const start of starts)
        if (isPulse(message, start)) {
          const marker = markerOf(message, start);
          if (marker >= 0) markers.push(marker);
        } else {
          upsert(mirror, message, start, second);
          real += 1;
        }
      if (real > 0 || relayed) counts.heard += 1;
      if (real > 0 && relayed) injector.pass(message);
      return markers;
    },
    tell: (entries) => {
      if (peer.believed) send(entries);
    },
    flush,
    newPeer: (hello, lost) => {
      counts.heard = hello.relayed - lost;
      behindSince = undefined;
    },
    hello: (hello) => {
      const behind = relay ? (hello.relayed - counts.heard - peer.lost) | 0 : 0;
      behindSince = behind > 0 ? (behindSince ?? now()) : undefined;
    },
  };
}
