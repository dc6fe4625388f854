/** Programs that are started as leaders of a process group of their own (`detached`), so that what they start ends with them. */

/** Signals the whole group of a program; does nothing if it was never started or has already ended. */
export function signalGroup(
  leader: {readonly pid?: number | undefined} | undefined,
  signal: NodeJS.Signals,
): void {
  if (leader?.pid === undefined) return;
  try {
    process.kill(-leader.pid, signal);
  } catch {
    // It just ended, or runs as another user: the caller can do nothing about it.
  }
}
