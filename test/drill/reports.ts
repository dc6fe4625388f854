/** Saves drill reports in the checkout's `drills/` and compares them. */
import path from 'node:path';
import {gunzipSync, gzipSync} from 'node:zlib';
import {keepReport, type Kept} from '../../src/drill/store.ts';
import {compareReports, isReport, type DrillReport} from '../../src/drill/report.ts';
import {table} from '../../src/cli/render/table.ts';

/** Prefix of each line of a report: the console is the micro-VM's only way to export a file. */
const REPORT = 'HACTL-DRILL-REPORT ';
/** Characters of base64 per line: a console lost parts of a 250 kB line. */
const LINE = 1_000;

const folder = path.resolve(import.meta.dirname, '../../drills');

/** Encodes a report as short lines, the last one empty. Pure. */
export function reportLines(report: DrillReport): string[] {
  const text = gzipSync(JSON.stringify(report)).toString('base64');
  return [...(text.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? []), ''].map((part) => `${REPORT}${part}`);
}

/** Collects such lines; `whole` gets the report, or undefined on a checksum mismatch. Returns false for other lines. */
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

/** Saves a report, prints its path, and compares it with the site's previous one. Failing to save does not fail the drill. */
export function keep(report: DrillReport | undefined, say: (line: string) => void): void {
  if (report === undefined) {
    say('report not saved: damaged in transfer');
    return;
  }
  try {
    show(report, keepReport(folder, report), say);
  } catch (error) {
    say(`report not saved: ${error instanceof Error ? error.message : String(error)}`);
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
