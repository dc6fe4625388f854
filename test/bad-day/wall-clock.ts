/**
 * Loaded before a program (`--import`): its wall clock is off by the milliseconds that the file HACTL_TEST_WALL holds,
 * looked at again with every use. The monotonic clock is the machine's own.
 */
import {readFileSync} from 'node:fs';

const Real = Date;
const now = Real.now.bind(Real);

function offset(): number {
  try {
    return Number(readFileSync(process.env.HACTL_TEST_WALL ?? '', 'utf8'));
  } catch {
    // Removed with the site.
    return 0;
  }
}

class SetDate extends Real {
  constructor(...words: readonly unknown[]) {
    if (words.length === 0) super(now() + offset());
    else super(...(words as [number]));
  }

  static override now(): number {
    return now() + offset();
  }
}
globalThis.Date = SetDate as DateConstructor;
