/**
 * Keeps the mirror correct apart from sync messages: the table of services shows which real servers were removed, the kernel's
 * list shows what was missed. Both are rate-limited.
 */
import {setTimeout as pause} from 'node:timers/promises';
import type {Forward} from '@hactl/ipvs';
import {addressBytes} from '@hactl/net';
import {beginWalk, endWalk, makeAudit, seeEntry, type Audit} from './audit.ts';
import {dueEndings, forgetEndings, noEndings, noteSent} from './endings.ts';
import {INJECTED_AT_ONCE, offset, piecesOf} from './entry.ts';
import {ending, noteTable, nothingGone, realIsGone} from './prune.ts';
import {movedFlow, type Routes} from './flows.ts';
import {readConnections} from './driver-proc.ts';
import type {KernelPorts} from './driver-kernel.ts';
import type {AuditPace} from './messages.ts';
import {entryAt, find, remove, upsert, type Mirror} from './mirror.ts';
import {entryOfLine, methodsOf} from './proc-table.ts';

const UDP = 17;
const TABLE_EVERY = 2_000;
const SLICE_EVERY = 100;
/** Slots examined at a time: a million in five seconds. */
const SLICE = 20_000;
/** Pause after a pass over the mirror, unless another real server is removed, in ms. */
const REST = 10_000;
const GENTLE: AuditPace = {pause: 60_000, share: 0.02};
/** Entries per message, so that it fits a frame. */
const TOLD_AT_ONCE = 18;

export interface HousekeepingPorts extends KernelPorts {
  readonly mirror: Mirror;
  now(): number;
  mirrorTime(): number;
  /** Whether this director's table is authoritative. */
  isAuthoritative(): boolean;
  /** Whether the peer is heard: otherwise messages to it are lost. */
  isHeard(): boolean;
  /** Sends the peer these entries unchanged. */
  tell(entries: readonly Buffer[]): void;
  /** Whether the local kernel ends a connection without a real server with its next packet. */
  expiresByItself(): boolean;
  /** Injects these entries into the local kernel. */
  inject(entries: readonly Buffer[]): void;
}

export interface Housekeeping {
  /** Whether the entry's real server was removed from this director's table. */
  isGone(bytes: Buffer, start: number): boolean;
  /** The forwarding method of each destination, as last read. */
  readonly forward: ReadonlyMap<string, Forward>;
  readonly stats: {retired: number};
  readonly audit: Readonly<Audit>;
  /** Moves flows in the mirror, in the local kernel and at the peer; their number. */
  moveFlows(routes: Routes): Promise<number>;
  close(): void;
}

function tellPeer(ports: HousekeepingPorts, entries: readonly Buffer[]): void {
  for (const piece of piecesOf(entries, TOLD_AT_ONCE)) ports.tell(piece);
}

function injectAll(ports: HousekeepingPorts, entries: readonly Buffer[]): void {
  for (const piece of piecesOf(entries, INJECTED_AT_ONCE)) ports.inject(piece);
}

/**
 * A UDP client that keeps its port would be sent to the dead server for as long as it goes on. The kernel drops its packets
 * without prolonging the entry: with a second left to live, the next one reaches another server. TCP waits for its server.
 */
function endFlows(ports: HousekeepingPorts, endings: readonly Buffer[]): void {
  const flows = endings.filter((entry) => entry[offset.protocol] === UDP);
  if (!ports.expiresByItself()) injectAll(ports, flows);
}

/** In slices, so that messages are still relayed meanwhile. */
async function moveFlows(ports: HousekeepingPorts, routes: Routes, stopped: () => boolean): Promise<number> {
  const {mirror} = ports;
  let moved = 0;
  for (let from = 0; from < mirror.high && ports.isAuthoritative() && !stopped(); from += SLICE) {
    const entries: Buffer[] = [];
    for (let slot = from; slot < Math.min(mirror.high, from + SLICE); slot += 1) {
      const entry = entryAt(mirror, slot);
      const pair = entry && movedFlow(routes, entry);
      if (!pair) continue;
      entries.push(...pair);
      upsert(mirror, pair[1], 0, ports.mirrorTime());
    }
    moved += entries.length / 2;
    if (ports.isHeard()) tellPeer(ports, entries);
    injectAll(ports, entries);
    // oxlint-disable-next-line no-await-in-loop -- slice after slice.
    if (from + SLICE < mirror.high) await pause(SLICE_EVERY);
  }
  return moved;
}

export function openHousekeeping(ports: HousekeepingPorts, pace: AuditPace = GENTLE): Housekeeping {
  const {mirror} = ports;
  const gone = nothingGone();
  const endings = noEndings();
  const audit = makeAudit();
  const stats = {retired: 0};
  const ended = new AbortController();
  const stopped = (): boolean => ended.signal.aborted;
  let cursor = 0;
  let restUntil = 0;
  let missing = '';
  let forward: ReadonlyMap<string, Forward> = new Map();

  const look = async (): Promise<void> => {
    try {
      const services = await ports.services();
      forward = methodsOf(services, addressBytes);
      noteTable(gone, services, addressBytes);
      const now = JSON.stringify([...gone.gone].map(([service, reals]) => [service, ...reals]));
      if (now !== missing) restUntil = 0;
      missing = now;
    } catch {
      // The kernel does not answer: keep the last table.
    }
  };

  /** The Active ends connections whose real server is not in its table; its own kernel follows expire_nodest_conn for TCP. */
  const slice = (): void => {
    if (gone.addresses.size === 0 || !ports.isAuthoritative()) {
      cursor = 0;
      restUntil = 0;
      forgetEndings(endings);
      return;
    }
    if (ports.isHeard())
      tellPeer(
        ports,
        dueEndings(endings, ports.now(), (entry) => realIsGone(gone, entry, 0) && find(mirror, entry, 0) < 0),
      );
    if (ports.now() < restUntil) return;
    const end = Math.min(mirror.high, cursor + SLICE);
    const found: Buffer[] = [];
    for (let slot = cursor; slot < end; slot += 1) {
      const entry = entryAt(mirror, slot);
      if (!entry || !realIsGone(gone, entry, 0)) continue;
      found.push(ending(entry));
      remove(mirror, slot);
    }
    cursor = end >= mirror.high ? 0 : end;
    if (cursor === 0) restUntil = ports.now() + REST;
    stats.retired += found.length;
    tellPeer(ports, found);
    endFlows(ports, found);
    noteSent(endings, found, ports.now());
  };

  const walk = async (): Promise<void> => {
    const methods = methodsOf(await ports.services(), addressBytes);
    beginWalk(audit, mirror);
    await readConnections(
      (line) => {
        const known = entryOfLine(line, methods);
        // A destination in no service is listed too, but its forwarding method is unknown.
        const found = known ?? entryOfLine(line, methods, 'masq');
        if (!found || !seeEntry(audit, mirror, found.entry)) return;
        if (!known || realIsGone(gone, known.entry, 0)) return;
        audit.added += 1;
        upsert(mirror, known.entry, 0, ports.mirrorTime(), known.remaining);
      },
      stopped,
      pace.share,
    );
    if (stopped()) return;
    const lost = endWalk(audit, mirror, ports.mirrorTime());
    if (lost.length === 0) return;
    ports.log('warn', `connections lost by the kernel without a sync message: ${lost.length}`);
    if (ports.isAuthoritative()) {
      // They have ended here: the mirror must not pass them on.
      for (const entry of lost) {
        const slot = find(mirror, entry, 0);
        if (slot >= 0) remove(mirror, slot);
      }
    } else injectAll(ports, lost);
  };

  const audits = async (): Promise<void> => {
    while (!stopped()) {
      // oxlint-disable no-await-in-loop -- one walk after another, with a pause.
      await pause(pace.pause, undefined, {signal: ended.signal, ref: false});
      await walk().catch((error: unknown) => ports.log('debug', `audit: ${String(error)}`));
      // oxlint-enable no-await-in-loop
    }
  };

  void look();
  const timers = [setInterval(() => void look(), TABLE_EVERY), setInterval(slice, SLICE_EVERY)];
  audits().catch(() => {
    // Closed during its pause.
  });
  return {
    isGone: (bytes, index) => realIsGone(gone, bytes, index),
    get forward() {
      return forward;
    },
    stats,
    audit,
    moveFlows: (routes) => moveFlows(ports, routes, stopped),
    close: () => {
      ended.abort();
      for (const timer of timers) clearInterval(timer);
    },
  };
}
