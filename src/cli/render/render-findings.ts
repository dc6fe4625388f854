/** Findings, one line each, with the remedy below. Pure. */
import type {Paint} from './render-status.ts';
import {table} from './table.ts';
import {shown} from './shown.ts';

export interface RenderedFinding {
  readonly level: 'good' | 'note' | 'warning' | 'bad';
  readonly subject: string;
  readonly text: string;
  readonly help?: string;
}

const INDENT = ' '.repeat('warning  '.length);

export function findingLines(given: readonly RenderedFinding[], paint: Paint): string[] {
  const findings = shown(given);
  const coloured = (level: RenderedFinding['level']): string => {
    switch (level) {
      case 'good':
        return paint.good(level);
      case 'note':
        return level;
      case 'warning':
        return paint.warn(level);
      case 'bad':
        return paint.bad(level);
    }
  };
  const rows = table(
    findings.map(({level, subject, text}) => [level.padEnd(INDENT.length - 2), subject, text]),
  );
  return findings.flatMap(({level, help}, index) => [
    (rows[index] ?? '').replace(level, coloured(level)),
    ...(help === undefined ? [] : [INDENT + help]),
  ]);
}
