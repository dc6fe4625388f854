/** Slots for external commands, shared fairly: hanging scripts of one virtual service do not occupy them all. Pure. */

export interface Rooms {
  /** Sets the number of virtual services that share the slots. */
  share(virtuals: number): void;
  free(virtual: string): boolean;
  take(virtual: string): void;
  leave(virtual: string): void;
}

export function makeRooms(total: number): Rooms {
  const taken = new Map<string, number>();
  const rooms = {used: 0, most: total};
  const put = (virtual: string, change: number): void => {
    const now = (taken.get(virtual) ?? 0) + change;
    rooms.used += change;
    if (now > 0) taken.set(virtual, now);
    else taken.delete(virtual);
  };
  return {
    share: (virtuals) => (rooms.most = Math.max(1, Math.floor(total / Math.max(1, virtuals)))),
    free: (virtual) => rooms.used < total && (taken.get(virtual) ?? 0) < rooms.most,
    take: (virtual) => put(virtual, 1),
    leave: (virtual) => put(virtual, -1),
  };
}
