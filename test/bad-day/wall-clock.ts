/**
 * Loaded before a program (`--import`): shifts its wall clock by the milliseconds in the file HACTL_TEST_WALL, re-read at every
 * use. The monotonic clock is unchanged.
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
