/** A plan as a table. Pure. */
import path from 'node:path';
import type {PlannedChange} from '../supervisor/changes.ts';
import {table} from './table.ts';

/** One block for each file, a line for each directive; two lines where one would be too wide. */
export function renderPlan(rows: readonly PlannedChange[], width: number): string[] {
  const files = [...new Set(rows.map(({file}) => file))].map((file) => ({
    file,
    body: rows.filter((row) => row.file === file).map((row) => [sign(row), row.what, value(row), row.effect]),
  }));
  const fits = files.every(({body}) => table(body).every((line) => line.length + 2 <= width));
  return files.flatMap(({file, body}) => [
    `${path.basename(file)}:`,
    ...(fits
      ? table(body).map((line) => `  ${line}`)
      : body.flatMap(([mark = '', what = '', to = '', effect = '']) => [
          `  ${mark} ${what}`,
          `      ${[to, effect].filter((text) => text !== '').join('; ')}`,
        ])),
  ]);
}

const sign = ({from, to}: PlannedChange): string => (from === undefined ? '+' : to === undefined ? '-' : '~');

function value({from, to}: PlannedChange): string {
  const plain = (text: string | undefined): string => (text === undefined || text === 'on' ? '' : text);
  if (from === undefined) return plain(to);
  return to === undefined ? plain(from) : `${from} -> ${to}`;
}
