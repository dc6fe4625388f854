/** A drill's tables. Pure. */
import type {LoadReport, TsungReport} from '../../drill/load-report.ts';
import {loadTable, loadWords} from '../../drill/load.ts';
import {besideTsung} from '../../drill/tsung.ts';
import type {EventResult} from '../../drill/report.ts';
import {table} from './table.ts';

/** The columns of an event. */
export type Row = Omit<EventResult, 'from' | 'to' | 'expected'>;

const whole = (value: number): string => value.toFixed(0);

/** The result table of a drill, and every failure as a sentence. */
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

/** The load beneath a drill: its table, then what the table does not say; beside Tsung, and Tsung's own report, if it ran. */
export function renderLoad(load: LoadReport): string {
  const {head, rows, numbers} = loadTable(load);
  const {tsung} = load;
  return [
    '',
    ...table([head, ...rows], numbers),
    ...loadWords(load).map((line) => `  ${line}`),
    ...(tsung === undefined ? [] : ['', ...table(besideTsung(load, tsung), [1, 2]), ...reportOf(tsung)]),
  ].join('\n');
}

const reportOf = ({tables}: TsungReport): string[] => [
  '',
  "Tsung's report (tsung_stats.pl)",
  ...tables.flatMap(({title, rows}) => [`  ${title}`, ...table(rows).map((line) => `    ${line}`)]),
];
