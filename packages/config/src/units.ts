/** heartbeat's and ldirectord's notations of a time. Pure. */
import type {Millis} from '@hactl/base';

/**
 * heartbeat: a plain number is seconds; decimals and the suffixes ms and us are allowed, whatever follows them (`msecs`), and
 * here s and sec. undefined: not a time.
 */
export function parseTime(text: string): Millis | undefined {
  const match = /^(\d+(?:\.\d*)?|\.\d+)(s|sec|ms[a-z]*|us[a-z]*)?$/i.exec(text);
  if (!match) return undefined;
  const value = Number(match[1]);
  switch (match[2]?.slice(0, 2).toLowerCase()) {
    case 'ms':
      return value;
    case 'us':
      return value / 1_000;
    default:
      return value * 1_000;
  }
}

/** heartbeat's booleans, in any case. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(true|on|yes|y|1)$/i.test(text)) return true;
  if (/^(false|off|no|n|0)$/i.test(text)) return false;
  return undefined;
}
