/** Reports of drills in the checkout: `drills/`, kept and compared. */
import path from 'node:path';
import {keepReport, type Kept} from '../../src/drill/store.ts';
import {compareReports, isReport, type DrillReport} from '../../src/drill/report.ts';
import {table} from '../../src/cli/render/table.ts';

/** Before the one line that has the report: a micro-VM has no other way to give a file away. */
export const REPORT = 'HACTL-DRILL-REPORT ';

const folder = path.resolve(import.meta.dirname, '../../drills');

/** The report of such a line. */
export function reportOf(line: string): DrillReport | undefined {
  if (!line.startsWith(REPORT)) return undefined;
  const value: unknown = JSON.parse(line.slice(REPORT.length));
  return isReport(value) ? value : undefined;
}

/** Keeps it, and says where; beside the last report of the same ground. A drill has not failed because its report cannot be kept. */
export function keep(report: DrillReport, say: (line: string) => void): void {
  try {
    show(report, keepReport(folder, report), say);
  } catch (error) {
    say(`the report was not kept: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function show(report: DrillReport, {json, html, previous}: Kept, say: (line: string) => void): void {
  if (previous !== undefined) {
    say(`compared with ${previous.began}:`);
    const rows = compareReports(previous, report).map(({event, outage, lost, verdict}) => [
      event,
      `${outage[0].toFixed(0)} -> ${outage[1].toFixed(0)}`,
      `${lost[0]} -> ${lost[1]}`,
      verdict,
    ]);
    for (const row of table([['event', 'outage ms', 'lost', ''], ...rows], [1, 2])) say(row);
  }
  say(`report: ${html}, ${path.basename(json)}`);
}
