/** The time limit of a check, extended when this process did not run for a while. */
import type {Clock, Millis} from '@hactl/base';

/** A timer later than this means that the process was held up, by the machine or by another check. */
const HELD_UP: Millis = 50;

export interface Deadline {
  clear(): void;
}

/**
 * Calls `expired` after `limit`. Time in which this process did not run is not the server's fault: its answer may wait in a
 * socket unread. So a late timer waits again for as long as it was late (at most `limit` more), and even a
 * punctual one lets the event loop read the sockets first.
 */
export function startDeadline(clock: Clock, limit: Millis, expired: () => void): Deadline {
  let due = clock.now() + limit;
  let grace = limit;
  let over = false;
  const onTimer = (): void => {
    const late = clock.now() - due;
    if (late > HELD_UP && grace > 0) {
      const more = Math.min(late, grace);
      grace -= more;
      due = clock.now() + more;
      timer = setTimeout(onTimer, more);
    } else
      // The poll phase, in which sockets are read, comes between a timer and an immediate.
      setImmediate(() => {
        if (!over) expired();
      });
  };
  let timer = setTimeout(onTimer, limit);
  return {
    clear: () => {
      over = true;
      clearTimeout(timer);
    },
  };
}
