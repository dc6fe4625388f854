/** Large files: import time is linear in the file size. */
import test from 'ava';
import {renderReport, renderSummary} from './index.ts';
import {run, service} from './keepalived.fixture.ts';

const farm = (count: number): string =>
  service(
    Array.from(
      {length: count},
      (_, index) =>
        `real_server 10.1.${index >> 8}.${index & 255} 80 {\nweight 10\nHTTP_GET {\nurl {\npath /health\nstatus_code 200\n}\nconnect_timeout 3\nretry 2\n}\n}`,
    ).join('\n'),
  );

/** CPU time of this thread in microseconds, independent of machine load: the minimum of three runs. */
function workOf(text: string): number {
  const runs = Array.from({length: 3}, () => {
    const before = process.threadCpuUsage();
    const {report} = run(text);
    renderReport(report);
    renderSummary(report, (line) => line);
    return process.threadCpuUsage(before).user;
  });
  return Math.min(...runs);
}

test('24: eight times the servers take about eight times the work', (t) => {
  const [few, many] = [farm(500), farm(4_000)];
  // The first run includes compilation.
  workOf(few);
  const [small, large] = [workOf(few), workOf(many)];
  t.true(large < 20 * small, `500 servers: ${small} µs, 4,000: ${large} µs`);
});

test('24: all 4,000 servers are imported, with a note for each of their lines', (t) => {
  const {files, report} = run(farm(4_000));
  t.is(files.find(({name}) => name === 'ldirectord.cf')?.text.match(/^\treal=/gm)?.length, 4_000);
  t.is(report.filter(({what}) => what.startsWith('real_server')).length, 4_000);
  t.is(report.filter(({what}) => what === 'path /health').length, 4_000);
});
