/** A plan as a table. Pure. */
import path from 'node:path';
import type {PlannedChange} from '../supervisor/changes.ts';
import {table} from './table.ts';

/** One block for each file; a line for each directive, and what it does to the running pair below it. */
export function renderPlan(rows: readonly PlannedChange[], width: number): string[] {
  const files = [...new Set(rows.map(({file}) => file))];
  return files.flatMap((file) => {
    const body = rows
      .filter((row) => row.file === file)
      .map((row) => [sign(row), row.what, value(row), row.effect]);
    const lines = table(body);
    const fits = lines.every((line) => line.length + 2 <= width);
    return [
      `${path.basename(file)}:`,
      ...(fits
        ? lines.map((line) => `  ${line}`)
        : body.flatMap(([mark = '', what = '', to = '', effect = '']) => [
            `  ${mark} ${what}`,
            `      ${[to, effect].filter((text) => text !== '').join('; ')}`,
          ])),
    ];
  });
}

const sign = ({from, to}: PlannedChange): string => (from === undefined ? '+' : to === undefined ? '-' : '~');

function value({from, to}: PlannedChange): string {
  const plain = (text: string | undefined): string => (text === undefined || text === 'on' ? '' : text);
  if (from === undefined) return plain(to);
  return to === undefined ? plain(from) : `${from} -> ${to}`;
}
