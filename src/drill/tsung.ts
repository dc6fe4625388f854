/** Tsung's report of the same load, beside ours. Pure. */
import type {LoadReport, LoadSecond, TsungLog, TsungReport} from './load-report.ts';

/** Errors by Tsung's names, such as `error_connect_timeout`. */
export const tsungErrors = ({counts}: TsungLog): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(counts).filter(([name]) => name.startsWith('error')));

const number = (value: number | null | undefined): string =>
  value === null || value === undefined ? '-' : String(Math.round(value * 10) / 10);

/** The same figures by both generators; the first row is the head. */
export function besideTsung(load: LoadReport, {log, figures, seconds}: TsungReport): readonly string[][] {
  const ours = load.spans[0];
  const {connect, request} = log.samples;
  const failed = Object.values(tsungErrors(log)).reduce((sum, count) => sum + count, 0);
  const fastest = (of: readonly LoadSecond[]): number =>
    of.reduce((so, {answered}) => Math.max(so, answered), 0);
  return [
    ['the same load', 'ours', 'Tsung'],
    ['started', number(ours?.due), number(log.counts.users_count)],
    ['connected', number(ours?.connected), number(connect?.count)],
    ['answered', number(ours?.answered), number(request?.count)],
    ['failed', number(ours?.failed), number(failed)],
    ['answered in the fullest second', number(fastest(load.seconds)), number(fastest(seconds))],
    ['connecting, mean ms', number(ours?.connect), number(connect?.mean)],
    ['request, mean ms', number(ours?.mean), number(request?.mean)],
    ...(['p50', 'p90', 'p99'] as const).map((name) => [
      `request, ${name} ms`,
      number(ours?.[name]),
      number(figures[name]),
    ]),
    ['request, max ms', number(ours?.most), number(request?.most)],
  ];
}
