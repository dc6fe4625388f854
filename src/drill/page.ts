/** A drill's report as a self-contained HTML page: no script, font or image. Pure. */
import {escapeHtml, palette, renderTimeline, serversOf} from './chart.ts';
import {expectedText} from './event.ts';
import {loadSeries, renderLoadChart} from './load-chart.ts';
import type {LoadReport, TsungReport} from './load-report.ts';
import {loadTable, loadWords} from './load.ts';
import {compareReports, percentilesOf, type DrillReport, type EventResult} from './report.ts';
import {besideTsung} from './tsung.ts';

const style = `
:root{color-scheme:light;font:15px/1.45 system-ui,sans-serif;color:#1b2733;background:#fff}
body{max-width:1200px;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0 0 .2rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.3rem 0}.quiet{color:#51606f}
.verdict{display:inline-block;padding:.15rem .7rem;border-radius:.3rem;color:#fff;font-weight:600}
.ok{background:#00734f}.bad{background:#c1121f}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.3rem .55rem;border-bottom:1px solid #dde3e9;text-align:left;vertical-align:top}
th{color:#51606f;font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.failed td{background:#fdecea}
svg{width:100%;height:auto;font:11px system-ui,sans-serif;fill:#1b2733}
.key span{margin-right:1.2rem;white-space:nowrap}.key i{display:inline-block;width:.8rem;height:.8rem;margin-right:.35rem;vertical-align:-.1rem}
@media print{body{padding:0}}`;

const cell = (words: string, number = false): string =>
  `<td${number ? ' class="n"' : ''}>${escapeHtml(words)}</td>`;
const head = (words: readonly string[], numbers: readonly number[]): string =>
  `<tr>${words.map((word, index) => `<th${numbers.includes(index) ? ' class="n"' : ''}>${escapeHtml(word)}</th>`).join('')}</tr>`;
/** A table of text whose first row is its head. */
const tableOf = (
  [first = [], ...rows]: readonly (readonly string[])[],
  numbers: readonly number[],
): string => {
  const body = rows.map(
    (row) => `<tr>${row.map((one, at) => cell(one, numbers.includes(at))).join('')}</tr>`,
  );
  return `<table>${head(first, numbers)}${body.join('\n')}</table>`;
};
const ms = (value: number): string => value.toFixed(0);

function eventRow(event: EventResult, index: number): string {
  const {expected, failures} = event;
  const must =
    expected === undefined
      ? ''
      : expectedText({...expected, lost: expected.lost ?? Infinity, both: expected.both ?? Infinity});
  return [
    `<tr${failures.length > 0 ? ' class="failed"' : ''}>`,
    cell(String(index + 1), true),
    cell(event.event),
    cell(ms(event.outage), true),
    cell(`${event.lost} of ${event.requests}`, true),
    cell(`${event.broken} of ${event.streams + event.broken}`, true),
    cell(ms(event.both), true),
    cell(ms(event.neither), true),
    cell(must),
    `<td>${[failures.length === 0 ? 'ok' : 'FAILED', ...failures, event.note].filter(Boolean).map(escapeHtml).join('<br>')}</td>`,
    '</tr>',
  ].join('');
}

function percentileTable(report: DrillReport): string {
  const stretches = [
    {name: 'the whole drill', from: 0, to: report.length},
    ...report.events.map(({event, from, to}) => ({name: event, from, to})),
  ];
  const rows = stretches.map(({name, from, to}) => {
    const of = percentilesOf(report.requests, from, to);
    const servers = Object.entries(of.servers)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([server, count]) => `${server} ${count}`);
    return `<tr>${cell(name)}${[of.count, of.lost, of.p50, of.p90, of.p99, of.most].map((value) => cell(ms(value), true)).join('')}${cell(servers.join(', '))}</tr>`;
  });
  return `<table>${head(['', 'requests', 'lost', 'p50 ms', 'p90 ms', 'p99 ms', 'most ms', 'answered by'], [1, 2, 3, 4, 5, 6])}${rows.join('')}</table>`;
}

function loadSection(report: DrillReport): string {
  const {load} = report;
  if (load === undefined) return '';
  const key = loadSeries(load).map(
    ({name, colour}) => `<span><i style="background:${colour}"></i>${escapeHtml(name)}</span>`,
  );
  const {head: words, rows, numbers} = loadTable(load);
  return `<h2>Load</h2>
<p class="key quiet">${key.join('')}</p>
${renderLoadChart(report, load)}
${tableOf([words, ...rows], numbers)}
${loadWords(load)
  .map((line) => `<p class="quiet">${escapeHtml(line)}</p>`)
  .join('\n')}
${load.tsung === undefined ? '' : tsungSection(load, load.tsung)}`;
}

function tsungSection(load: LoadReport, tsung: TsungReport): string {
  return [
    '<h2>Beside Tsung, at the same time</h2>',
    tableOf(besideTsung(load, tsung), [1, 2]),
    '<h2>Tsung’s report</h2>',
    ...tsung.tables.flatMap(({title, rows}) => [
      `<p class="quiet">${escapeHtml(title)}</p>`,
      tableOf(rows, []),
    ]),
  ].join('\n');
}

function comparison(report: DrillReport, previous: DrillReport): string {
  const rows = compareReports(previous, report).map(({event, outage, lost, broken, verdict}) => {
    const pair = ([before, now]: readonly [number, number]): string => `${ms(before)} → ${ms(now)}`;
    return `<tr${verdict === 'failed now' ? ' class="failed"' : ''}>${cell(event)}${[outage, lost, broken].map((one) => cell(pair(one), true)).join('')}${cell(verdict)}</tr>`;
  });
  return `<h2>Compared with ${escapeHtml(previous.began)}</h2>
<table>${head(['event', 'outage ms', 'requests lost', 'streams broken', ''], [1, 2, 3])}${rows.join('')}</table>`;
}

/** The page; compared with `previous` if there is an earlier report. */
export function renderPage(report: DrillReport, previous?: DrillReport): string {
  const failed = report.events.filter(({failures}) => failures.length > 0).length;
  const longest = report.events.reduce((so, {outage}) => Math.max(so, outage), 0);
  const settings = Object.entries(report.settings).map(([name, value]) => `${name} ${value}`);
  const servers = serversOf(report).map(
    (server, index) =>
      `<span><i style="background:${palette[index % palette.length]}"></i>${escapeHtml(server)}</span>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>hactl drill, ${escapeHtml(report.began)}</title><style>${style}</style></head><body>
<h1>Failover drill</h1>
<p><span class="verdict ${report.passed ? 'ok' : 'bad'}">${report.passed ? 'passed' : 'FAILED'}</span>
${report.events.length} events, ${failed} failed; longest silence ${ms(longest)} ms</p>
<p class="quiet">${escapeHtml(report.began)}, ${escapeHtml(report.site)}${settings.length > 0 ? `: ${escapeHtml(settings.join(', '))}` : ''}</p>
<h2>Timeline</h2>
<p class="key quiet"><span><i style="background:#009e73"></i>Active</span><span><i style="background:#9bb7d4"></i>Backup</span><span><i style="background:#e6c35c"></i>Initialize</span><span><i style="background:#d8d8d8"></i>no answer</span><span><i style="background:#c1121f"></i>lost request</span></p>
${renderTimeline(report)}
<p class="key quiet">Connections: ${servers.join('')}</p>
<h2>Events</h2>
<table>${head(['', 'event', 'outage ms', 'requests lost', 'streams broken', 'both ms', 'neither ms', 'must hold', 'outcome'], [0, 2, 3, 4, 5, 6])}
${report.events.map(eventRow).join('\n')}</table>
<p class="quiet">Outage: the longest time without an answer on any long-lived connection. Both, neither: how long two directors, or none, held the VIP.</p>
<h2>Requests</h2>
${percentileTable(report)}
${loadSection(report)}
${previous === undefined ? '' : comparison(report, previous)}
</body></html>
`;
}
