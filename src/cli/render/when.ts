/** Times on the command line, and times as they are printed. Pure. */
import type {Millis, WallTime} from '@hactl/base';

const units: Readonly<Record<string, Millis>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * What `--since` takes: a duration back from now (`90s`, `10m`, `2h`, `1d`; here m are minutes), a time of today
 * (`14:05`, yesterday's if it is still to come), or a date with or without a time. UTC, as everything is printed.
 */
export function parseSince(text: string, now: WallTime): WallTime | undefined {
  const back = /^(\d+(?:\.\d+)?)(ms|s|min|m|h|d)$/.exec(text);
  if (back) return now - Number(back[1]) * (units[back[2] ?? ''] ?? 0);
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text);
  if (clock) {
    const midnight = new Date(now).setUTCHours(0, 0, 0, 0);
    const [hours, minutes, seconds] = [Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0)];
    const time = midnight + ((hours * 60 + minutes) * 60 + seconds) * 1_000;
    return time > now ? time - 86_400_000 : time;
  }
  const date = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?Z?)?$/.exec(text);
  if (!date) return undefined;
  const time = Date.parse(`${date[1]}T${date[2] ?? '00:00'}${date[3] ?? ':00'}Z`);
  return Number.isNaN(time) ? undefined : time;
}

/** `2026-11-21 10:49:50.123`; a number outside the years 0 to 9999 is shown unchanged. */
export function dateTime(wall: WallTime): string {
  const date = new Date(wall);
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9_999 ? date.toISOString().replace('T', ' ').slice(0, 23) : `time ${wall}`;
}

/** `10:49:50.123` */
export const timeOfDay = (wall: WallTime): string => dateTime(wall).slice(11);
