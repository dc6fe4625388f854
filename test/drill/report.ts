/** The drill's table. Pure. */
import {table} from '../../src/cli/render/table.ts';

/** What one event did. Times in milliseconds. */
export interface Row {
  readonly event: string;
  readonly outage: number;
  readonly requests: number;
  readonly lost: number;
  readonly streams: number;
  readonly broken: number;
  readonly both: number;
  readonly neither: number;
  readonly note: string;
  /** What should have survived and did not, or was said and was not true. */
  readonly failures: readonly string[];
}

const whole = (value: number): string => value.toFixed(0);

/** The table that ends a drill, and every failure in words. */
export function renderReport(rows: readonly Row[]): string {
  const head = [
    'event',
    'outage ms',
    'requests',
    'lost',
    'streams',
    'broken',
    'both ms',
    'neither ms',
    '',
    'note',
  ];
  const body = rows.map((row) => [
    row.event,
    whole(row.outage),
    String(row.requests),
    String(row.lost),
    String(row.streams),
    String(row.broken),
    whole(row.both),
    whole(row.neither),
    row.failures.length === 0 ? 'ok' : 'FAILED',
    row.note,
  ]);
  const failures = rows.flatMap((row) => row.failures.map((failure) => `FAILED ${row.event}: ${failure}`));
  return [
    ...table([head, ...body], [1, 2, 3, 4, 5, 6, 7]),
    ...(failures.length > 0 ? ['', ...failures] : []),
  ].join('\n');
}
