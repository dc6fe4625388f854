import {createColors} from 'picocolors';
import type {Paint} from './render-status.ts';
import {plain} from './render-status.ts';

/** Colours for a terminal; none for a pipe or with NO_COLOR. */
export function paintFor(stream: {isTTY?: boolean}): Paint {
  if (!stream.isTTY || process.env.NO_COLOR !== undefined) return plain;
  const colors = createColors(true);
  return {
    good: colors.green,
    bad: colors.red,
    warn: colors.yellow,
    strong: colors.bold,
    faint: colors.dim,
    other: colors.cyan,
  };
}
