/**
 * Remembers that this machine's kernel was in sync a moment ago. A restarted sync process whose kernel kept its connections
 * need not delay its director; after a reboot the note is void.
 */
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import type {Instant} from '@hactl/base';

/** Minimum interval between writes of the note, and its validity, in ms. */
const EVERY = 3_000;
const BELIEVED = 15_000;

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();

export interface RecentSync {
  /** The kernel was in sync when the previous process ended. */
  readonly recent: boolean;
  /** In sync now. */
  note(): void;
  /** The kernel's sync is stopped on purpose: what happens from now on is missing here. */
  forget(): void;
}

/** `now`: since boot, so that nobody who sets the wall clock makes an old note new, or a new one late. */
export function openRecentSync(stateDir: string, now: () => Instant): RecentSync {
  const file = path.join(stateDir, 'sync-last.json');
  let recent = false;
  let noted = -Infinity;
  try {
    const note = JSON.parse(readFileSync(file, 'utf8')) as {boot: string; at: Instant};
    const age = now() - note.at;
    recent = note.boot === bootId() && age >= 0 && age < BELIEVED;
  } catch {
    // No note: the first start.
  }
  return {
    recent,
    note: () => {
      if (now() - noted < EVERY) return;
      noted = now();
      try {
        writeFileSync(file, JSON.stringify({boot: bootId(), at: noted}));
      } catch {
        // Without it the next process waits for the comparison, which is harmless.
      }
    },
    forget: () => rmSync(file, {force: true}),
  };
}
