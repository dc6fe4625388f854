/** One event of the journal as one line. Pure. */
import type {JournalEvent} from '../../control/events.ts';
import type {Paint} from './render-status.ts';
import {dateTime} from './when.ts';
import {shownLine} from './shown.ts';

/** The marker before the text: failure, warning, or nothing. */
const mark = {error: '!', warn: '*', info: ' '} as const;

/** `2026-11-21 10:49:50.123 * peer      director1 is silent for 300 ms: dead` */
export function eventLine({wall, kind, level, text}: JournalEvent, paint: Paint): string {
  const shown = shownLine(text);
  const output =
    level === 'error'
      ? paint.bad(shown)
      : level === 'warn'
        ? paint.warn(shown)
        : kind === 'role'
          ? paint.strong(shown)
          : shown;
  return `${dateTime(wall)} ${mark[level]} ${shownLine(kind).padEnd(8)}  ${output}`;
}
