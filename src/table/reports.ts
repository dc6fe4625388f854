/**
 * The checks' last reports. A pair may have ten thousand real servers and each verdict is one event: `recent` keeps a change
 * cheap, and is merged into `settled` when all are read. Pure.
 */
import type {CheckReport} from '@hactl/checks';

export interface Reports {
  /** The configured checks; reports of other ids are late results of removed servers. */
  readonly ids: ReadonlySet<string>;
  readonly settled: ReadonlyMap<string, CheckReport>;
  readonly recent: ReadonlyMap<string, CheckReport>;
  /** Number of configured checks without a result yet. */
  readonly unknown: number;
}

/** Maximum size of `recent`, which is copied with each change. */
const RECENT_MAX = 100;

const isKnown = (report: CheckReport | undefined): boolean =>
  report !== undefined && report.state !== 'unknown';

/** Reports for these checks; those that stay keep their last report. */
export function reportsFor(ids: ReadonlySet<string>, before?: Reports): Reports {
  const known = before === undefined ? [] : [...allReports(before)].filter(([id]) => ids.has(id));
  const settled = new Map(known);
  const unknown = [...ids].filter((id) => !isKnown(settled.get(id))).length;
  return {ids, settled, recent: new Map(), unknown};
}

export const reportOf = ({settled, recent}: Reports, id: string): CheckReport | undefined =>
  recent.get(id) ?? settled.get(id);

/** Adds a report. */
export function withReport(reports: Reports, report: CheckReport): Reports {
  if (!reports.ids.has(report.id)) return reports;
  const was = isKnown(reportOf(reports, report.id));
  const is = isKnown(report);
  const recent = new Map(reports.recent).set(report.id, report);
  const next = {...reports, recent, unknown: reports.unknown + Number(was) - Number(is)};
  return recent.size > RECENT_MAX ? folded(next) : next;
}

/** Merges `recent` into `settled`. */
export const folded = (reports: Reports): Reports =>
  reports.recent.size === 0 ? reports : {...reports, settled: allReports(reports), recent: new Map()};

/** All reports, by check. */
export const allReports = ({settled, recent}: Reports): ReadonlyMap<string, CheckReport> =>
  recent.size === 0 ? settled : new Map([...settled, ...recent]);
