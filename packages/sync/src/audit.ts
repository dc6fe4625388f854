/**
 * The audit: the kernel's own list beside the mirror, one walk after another, each spread over a long time. What the
 * kernel has and the mirror lacks is taken in; what the mirror has and the kernel did not show in two walks has been lost
 * by the kernel. Two, because the kernel's list is read by position: a page misses what moved meanwhile. Pure.
 */
import {entryAt, expiryOf, find, type Mirror} from './mirror.ts';

export interface Audit {
  /** Per slot: shown by the kernel in this walk. */
  seen: Uint8Array;
  /** Slots when the walk began: what came later was not to be seen. */
  slots: number;
  /** Key octets of what the walk before did not see. */
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

/** More is not remembered from one walk to the next. */
const MAX_SUSPECTS = 20_000;
/** What ends within so many seconds may have ended in the kernel a moment earlier. */
const MARGIN = 10;

export function beginWalk(audit: Audit, mirror: Mirror): void {
  audit.slots = mirror.high;
  audit.seen = new Uint8Array(mirror.high);
}

/** The kernel showed this entry; true when the mirror does not have it. */
export function seeEntry(audit: Audit, mirror: Mirror, entry: Buffer): boolean {
  const slot = find(mirror, entry, 0);
  if (slot < 0) return true;
  if (slot < audit.slots) audit.seen[slot] = 1;
  return false;
}

/** The walk came to its end: the entries that the kernel did not show in this one nor in the one before. */
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
