/**
 * The checks' last reports. A pair may have ten thousand real servers and each verdict is one event: `recent` keeps a
 * change cheap, and is folded into `settled` when somebody reads all of them. Pure.
 */
import type {CheckReport} from '@hactl/checks';

export interface Reports {
  /** The checks of the configuration; reports of others are late words about a server that has left it. */
  readonly ids: ReadonlySet<string>;
  readonly settled: ReadonlyMap<string, CheckReport>;
  readonly recent: ReadonlyMap<string, CheckReport>;
  /** How many checks of the configuration have no result yet. */
  readonly unknown: number;
}

/** So many changes are copied again with the next one. */
const RECENT_MAX = 100;

const isKnown = (report: CheckReport | undefined): boolean =>
  report !== undefined && report.state !== 'unknown';

/** Reports for these checks; what is known of those that stay is kept. */
export function reportsFor(ids: ReadonlySet<string>, before?: Reports): Reports {
  const known = before === undefined ? [] : [...allReports(before)].filter(([id]) => ids.has(id));
  const settled = new Map(known);
  const unknown = [...ids].filter((id) => !isKnown(settled.get(id))).length;
  return {ids, settled, recent: new Map(), unknown};
}

export const reportOf = ({settled, recent}: Reports, id: string): CheckReport | undefined =>
  recent.get(id) ?? settled.get(id);

/** The reports with one more. */
export function withReport(reports: Reports, report: CheckReport): Reports {
  if (!reports.ids.has(report.id)) return reports;
  const was = isKnown(reportOf(reports, report.id));
  const is = isKnown(report);
  const recent = new Map(reports.recent).set(report.id, report);
  const next = {...reports, recent, unknown: reports.unknown + Number(was) - Number(is)};
  return recent.size > RECENT_MAX ? folded(next) : next;
}

/** The same, with `settled` complete. */
export const folded = (reports: Reports): Reports =>
  reports.recent.size === 0 ? reports : {...reports, settled: allReports(reports), recent: new Map()};

/** Every report that is known, by check. */
export const allReports = ({settled, recent}: Reports): ReadonlyMap<string, CheckReport> =>
  recent.size === 0 ? settled : new Map([...settled, ...recent]);
