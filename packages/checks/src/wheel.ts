/** Entries by due slot: those that are not due cost nothing at a wake-up. */
import type {Instant} from '@hactl/base';

export interface Wheel<Entry> {
  /** Moves the entry to the slot. */
  readonly put: (entry: Entry, due: Instant) => void;
  /** Removes and returns the due entries, earliest first. */
  readonly take: (now: Instant) => readonly Entry[];
  /** The earliest slot; Infinity when there is none. */
  readonly nextDue: () => Instant;
  readonly clear: () => void;
}

export function makeWheel<Entry extends {due: Instant}>(): Wheel<Entry> {
  const slots = new Map<Instant, Entry[]>();
  return {
    put: (entry, due) => {
      entry.due = due;
      const slot = slots.get(due);
      if (slot) slot.push(entry);
      else slots.set(due, [entry]);
    },
    take: (now) => {
      const due = [...slots.keys()].filter((slot) => slot <= now).toSorted((left, right) => left - right);
      return due.flatMap((slot) => {
        const entries = slots.get(slot) ?? [];
        slots.delete(slot);
        // Skips an entry that was moved meanwhile.
        return entries.filter((entry) => entry.due === slot);
      });
    },
    nextDue: () => Math.min(...slots.keys()),
    clear: () => slots.clear(),
  };
}
