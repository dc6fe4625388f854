/** Tsung's files: its configuration, its log, its dump and its report. Pure. */
import type {LoadSample} from '../../../src/drill/load.ts';
import type {TsungLog, TsungReport, TsungSample} from '../../../src/drill/load-report.ts';
import type {Phase} from './schedule.ts';

/** The shipped configuration for another VIP and other phases, and with each request in tsung.dump. */
export function tsungConfig(shipped: string, vip: string, phases: readonly Phase[]): string {
  const arrivals = phases.map(
    ({seconds, rate}, index) =>
      `    <arrivalphase phase="${index + 1}" duration="${seconds}" unit="second"><users arrivalrate="${rate}" unit="second"/></arrivalphase>\n`,
  );
  const changes: readonly (readonly [RegExp, string])[] = [
    [/(?<=<server host=")[^"]*/g, vip],
    [/(?<=<load>\n).*(?= {2}<\/load>)/gs, arrivals.join('')],
    [/(?<= dumptraffic=")false/g, 'protocol'],
  ];
  return changes.reduce((text, [place, value]) => {
    const found = text.match(place)?.length ?? 0;
    if (found !== 1) throw new Error(`vagrant/tsung.xml: expected one match of ${place}, found ${found}`);
    return text.replace(place, value);
  }, shipped);
}

/** The totals at the end of tsung.log: each dump has the interval's count and mean, and those of all before. */
export function parseTsungLog(text: string): TsungLog {
  const samples: Record<string, TsungSample> = {};
  const counts: Record<string, number> = {};
  for (const [, name = '', rest = ''] of text.matchAll(/^stats: (\w+) ([-\d.e ]+)$/gm)) {
    const values = rest.trim().split(' ').map(Number);
    const [count = 0, mean = 0, , most = 0, , meanBefore = 0, before = 0] = values;
    if (values.length === 2) counts[name] = mean;
    else if (values.length === 7) {
      const all = count + before;
      samples[name] = {count: all, mean: all === 0 ? 0 : (count * mean + before * meanBefore) / all, most};
    }
  }
  return {samples, counts};
}

/** A tsung.dump: every answered request. The first one's start is `began` (wall clock, milliseconds). */
export function parseTsungDump(text: string): {readonly began: number; readonly samples: LoadSample[]} {
  const rows = text.split('\n').flatMap((line) => {
    const [date, , , , , , status = '', , duration, , , error = ''] = line.split(';');
    // The last line may be cut short.
    if (!/^\d/.test(date ?? '') || duration === undefined) return [];
    const took = Number(duration);
    return [
      {start: Number(date) * 1_000 - took, took, error: error || (status === '200' ? '' : `HTTP ${status}`)},
    ];
  });
  const began = rows.reduce((so, {start}) => Math.min(so, start), Infinity);
  return {
    began,
    samples: rows.map(({start, took, error}): LoadSample => {
      const due = Math.round((start - began) * 10) / 10;
      // It does not say when it connected, nor to which real server.
      return error === '' ? [due, null, took, ''] : [due, null, took, null, error];
    }),
  };
}

const words = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();

/** The tables of Tsung's report.html that have rows, each with the heading before it. */
export function parseTsungReport(html: string): TsungReport['tables'] {
  const tables: {title: string; rows: string[][]}[] = [];
  let title = '';
  for (const [, heading, body] of html.matchAll(/<h3[^>]*>(.*?)<\/h3>|<table[^>]*>(.*?)<\/table>/gs)) {
    if (heading !== undefined) title = words(heading);
    if (body === undefined) continue;
    const rows = [...body.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
      [...row.matchAll(/<t[hd][^>]*>(.*?)(?=<\/?t[hdr]|$)/gs)].map(([, cell = '']) => words(cell)),
    );
    if (rows.length > 1) tables.push({title, rows});
  }
  return tables;
}
