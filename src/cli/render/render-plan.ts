/** A plan as a table. Pure. */
import path from 'node:path';
import type {PlannedChange} from '../../control/answers.ts';
import {table} from './table.ts';
import {shown} from './shown.ts';

/** One block for each file, a line for each directive; two lines where the table would be too wide. */
export function renderPlan(changes: readonly PlannedChange[], width: number): string[] {
  const rows = shown(changes);
  return [...new Set(rows.map(({file}) => file))].flatMap((file) => {
    const body = rows
      .filter((row) => row.file === file)
      .map((row) => [sign(row), row.what, value(row), row.effect]);
    const lines = table(body).map((line) => `  ${line}`);
    const fits = lines.every((line) => line.length <= width);
    const narrow = body.flatMap(([mark = '', what = '', to = '', effect = '']) => [
      `  ${mark} ${what}`,
      `      ${[to, effect].filter((text) => text !== '').join('; ')}`,
    ]);
    return [`${path.basename(file)}:`, ...(fits ? lines : narrow)];
  });
}

const sign = ({from, to}: PlannedChange): string => (from === undefined ? '+' : to === undefined ? '-' : '~');

function value({from, to}: PlannedChange): string {
  const plain = (text: string | undefined): string => (text === undefined || text === 'on' ? '' : text);
  if (from === undefined) return plain(to);
  return to === undefined ? plain(from) : `${from} -> ${to}`;
}
