/** Programs that are started as leaders of a process group of their own (`detached`), so that what they start ends with them. */

/** Signals the whole group of a program; nothing happens where it was never started or is gone already. */
export function signalGroup(
  leader: {readonly pid?: number | undefined} | undefined,
  signal: NodeJS.Signals,
): void {
  if (leader?.pid === undefined) return;
  try {
    process.kill(-leader.pid, signal);
  } catch {
    // It ended just now, or became another user's: nothing that a caller could do about it.
  }
}
