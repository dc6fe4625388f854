/** Programs started as process group leaders (`detached`), so that their children can be killed with them. */

/** Signals the whole group of a program; does nothing if it never started or has already ended. */
export function signalGroup(
  leader: {readonly pid?: number | undefined} | undefined,
  signal: NodeJS.Signals,
): void {
  if (leader?.pid === undefined) return;
  try {
    process.kill(-leader.pid, signal);
  } catch {
    // It just ended, or runs as another user: nothing the caller can do.
  }
}
