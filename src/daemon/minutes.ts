/** The minutes of a cron schedule, on a wall clock that may be set at any time. Pure. */
import type {Millis, WallTime} from '@hactl/base';

const MINUTE: Millis = 60_000;
/** A clock that was set back by less repeats minutes that were taken already; cron's own limit. */
const REPEATED: Millis = 3 * 3_600_000;

/** How long until the next minute begins, if nobody sets the clock meanwhile. */
export const untilNextMinute = (wall: WallTime): Millis =>
  MINUTE - (((Math.floor(wall) % MINUTE) + MINUTE) % MINUTE);

/**
 * Asks for each minute once whether the schedule has it. Minutes that a clock set forward leaves out are left out, however
 * many they are; a clock set back by hours or years goes on with its new time.
 */
export function makeMinutes(matches: (minute: Date) => boolean): (wall: WallTime) => boolean {
  let looked: WallTime | undefined;
  return (wall) => {
    const minute = Math.floor(wall / MINUTE) * MINUTE;
    const isRepeated = looked !== undefined && minute <= looked && looked - minute < REPEATED;
    if (isRepeated) return false;
    looked = minute;
    return matches(new Date(minute));
  };
}
