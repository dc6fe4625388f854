/** Slots for external commands, shared fairly: hanging scripts of one virtual service do not occupy them all. Pure. */

export interface Slots {
  /** Sets the number of virtual services that share the slots. */
  share(virtuals: number): void;
  free(virtual: string): boolean;
  acquire(virtual: string): void;
  release(virtual: string): void;
}

export function makeSlots(total: number): Slots {
  const taken = new Map<string, number>();
  const slots = {used: 0, most: total};
  const adjust = (virtual: string, change: number): void => {
    const now = (taken.get(virtual) ?? 0) + change;
    slots.used += change;
    if (now > 0) taken.set(virtual, now);
    else taken.delete(virtual);
  };
  return {
    share: (virtuals) => (slots.most = Math.max(1, Math.floor(total / Math.max(1, virtuals)))),
    free: (virtual) => slots.used < total && (taken.get(virtual) ?? 0) < slots.most,
    acquire: (virtual) => adjust(virtual, 1),
    release: (virtual) => adjust(virtual, -1),
  };
}
