/** Reports of drills in the checkout: `drills/`, kept and compared. */
import path from 'node:path';
import {gunzipSync, gzipSync} from 'node:zlib';
import {keepReport, type Kept} from '../../src/drill/store.ts';
import {compareReports, isReport, type DrillReport} from '../../src/drill/report.ts';
import {table} from '../../src/cli/render/table.ts';

/** Before each line of a report: a micro-VM has no other way to give a file away than its console. */
const REPORT = 'HACTL-DRILL-REPORT ';
/** Of base64. A console that was written a line of 250 kB lost some of it. */
const LINE = 1_000;

const folder = path.resolve(import.meta.dirname, '../../drills');

/** A report as short lines, the last of which is empty. Pure. */
export function reportLines(report: DrillReport): string[] {
  const text = gzipSync(JSON.stringify(report)).toString('base64');
  return [...(text.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? []), ''].map((part) => `${REPORT}${part}`);
}

/** Collects such lines; `whole` gets the report, or undefined where its checksum does not fit. False: no such line. */
export function reportReader(whole: (report: DrillReport | undefined) => void): (line: string) => boolean {
  let text = '';
  return (line) => {
    if (!line.startsWith(REPORT)) return false;
    const part = line.slice(REPORT.length).trim();
    text += part;
    if (part !== '') return true;
    whole(unpack(text));
    text = '';
    return true;
  };
}

function unpack(text: string): DrillReport | undefined {
  try {
    const value: unknown = JSON.parse(gunzipSync(Buffer.from(text, 'base64')).toString());
    return isReport(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps it, and says where; beside the last report of the same ground. A drill has not failed because its report cannot be kept. */
export function keep(report: DrillReport | undefined, say: (line: string) => void): void {
  if (report === undefined) {
    say('the report was not kept: it was damaged on its way');
    return;
  }
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
