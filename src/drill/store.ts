/** Stores a folder's latest reports as FILE.json and FILE.html; removes older ones. */
import {mkdirSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import path from 'node:path';
import {replaceFile} from '@hactl/base/files';
import {renderPage} from './page.ts';
import {compareReports, isReport, type DrillReport} from './report.ts';

/** Maximum reports kept. */
export const KEPT = 20;

const NAME = /^drill-\d{8}T\d{6}\d*Z\.json$/;

const nameOf = (report: DrillReport): string => `drill-${report.began.replaceAll(/[-:.]/g, '')}`;

/** Names of the reports in a folder, oldest first; empty if the folder does not exist. */
export function keptReports(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => NAME.test(name))
      .map((name) => name.replace(/\.json$/, ''))
      .toSorted();
  } catch {
    return [];
  }
}

/** Reads a report; undefined: not a valid report (truncated, another version). */
export function readReport(folder: string, name: string): DrillReport | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path.join(folder, `${path.basename(name)}.json`), 'utf8'));
    return isReport(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export interface Kept {
  readonly json: string;
  readonly html: string;
  /** The latest report of the same site that has an event in common. */
  readonly previous?: DrillReport;
}

/** An aborted drill, or one with other events, is not comparable. */
const comparable = (before: DrillReport, now: DrillReport): boolean =>
  before.site === now.site && before.began !== now.began && compareReports(before, now).length > 0;

/** Writes a report and its page (compared with the latest one of the same site), and removes the oldest. Throws file system errors. */
export function keepReport(folder: string, report: DrillReport): Kept {
  const previous = keptReports(folder)
    .toReversed()
    .map((name) => readReport(folder, name))
    .find((previous) => previous !== undefined && comparable(previous, report));
  mkdirSync(folder, {recursive: true});
  const base = path.join(folder, nameOf(report));
  replaceFile(`${base}.json`, `${JSON.stringify(report)}\n`, 0o644);
  replaceFile(`${base}.html`, renderPage(report, previous), 0o644);
  for (const name of keptReports(folder).slice(0, -KEPT))
    for (const end of ['json', 'html']) rmSync(path.join(folder, `${name}.${end}`), {force: true});
  return {json: `${base}.json`, html: `${base}.html`, ...(previous === undefined ? {} : {previous})};
}
