/**
 * The audit: compares the kernel's list with the mirror in repeated slow walks. Connections missing from the mirror are added;
 * those that the kernel did not list in two consecutive walks were lost by the kernel. Two, because the kernel's list is read
 * by position: a page misses entries that moved meanwhile. Pure.
 */
import {entryAt, expiryOf, find, type Mirror} from './mirror.ts';

export interface Audit {
  /** Per slot: listed by the kernel in this walk. */
  seen: Uint8Array;
  /** Slots when the walk began: later ones cannot have been listed. */
  slots: number;
  /** Key octets of the entries that the previous walk missed. */
  suspects: Set<string>;
  walks: number;
  /** In the kernel and not in the mirror. */
  added: number;
  /** In the mirror and not in the kernel. */
  lost: number;
}

export const makeAudit = (): Audit => ({
  seen: new Uint8Array(0),
  slots: 0,
  suspects: new Set(),
  walks: 0,
  added: 0,
  lost: 0,
});

/** Maximum entries remembered from one walk to the next. */
const MAX_SUSPECTS = 20_000;
/** An entry that expires within this many seconds may have expired in the kernel already. */
const MARGIN = 10;

export function beginWalk(audit: Audit, mirror: Mirror): void {
  audit.slots = mirror.high;
  audit.seen = new Uint8Array(mirror.high);
}

/** The kernel listed this entry; true if the mirror does not have it. */
export function seeEntry(audit: Audit, mirror: Mirror, entry: Buffer): boolean {
  const slot = find(mirror, entry, 0);
  if (slot < 0) return true;
  if (slot < audit.slots) audit.seen[slot] = 1;
  return false;
}

/** Ends the walk: returns the entries that the kernel listed neither in this walk nor in the previous one. */
export function endWalk(audit: Audit, mirror: Mirror, second: number): Buffer[] {
  const lost: Buffer[] = [];
  const suspects = new Set<string>();
  for (let slot = 0; slot < audit.slots; slot += 1) {
    if (audit.seen[slot] === 1 || expiryOf(mirror, slot) < second + MARGIN) continue;
    const entry = entryAt(mirror, slot);
    if (!entry) continue;
    const name =
      entry.toString('latin1', 0, 2) + entry.toString('latin1', 10, 14) + entry.toString('latin1', 24);
    if (audit.suspects.has(name)) lost.push(Buffer.from(entry));
    else if (suspects.size < MAX_SUSPECTS) suspects.add(name);
  }
  audit.suspects = suspects;
  audit.seen = new Uint8Array(0);
  audit.walks += 1;
  audit.lost += lost.length;
  return lost;
}
