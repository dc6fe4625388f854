/** Tsung's files: the shipped configuration for the lab, and the figures of a run. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {renderLoad} from '../../../src/cli/render/drill-table.ts';
import {figuresOf, loadReport, secondsOf, type Measured} from '../../../src/drill/load.ts';
import {loadSeries} from '../../../src/drill/load-chart.ts';
import {renderPage} from '../../../src/drill/page.ts';
import type {TsungReport} from '../../../src/drill/load-report.ts';
import {besideTsung} from '../../../src/drill/tsung.ts';
import {readOptions} from '../options.ts';
import {emptyReport} from '../report.fixture.ts';
import {rampPhases} from './schedule.ts';
import {parseTsungDump, parseTsungLog, parseTsungReport, tsungConfig} from './tsung-files.ts';

const shipped = readFileSync(path.resolve(import.meta.dirname, '../../../vagrant/tsung.xml'), 'utf8');

test('the lab changes the VIP, the phases and the dump of the shipped configuration, nothing else', (t) => {
  const made = tsungConfig(shipped, '10.99.0.100', rampPhases(10, 8, 30));
  t.deepEqual(
    [...made.matchAll(/phase="(\d)" duration="(\d+)" unit="second"><users arrivalrate="(\d+)"/g)].map((one) =>
      one.slice(1).map(Number),
    ),
    [
      [1, 2, 2],
      [2, 2, 4],
      [3, 2, 6],
      [4, 2, 8],
      [5, 22, 10],
    ],
  );
  t.true(made.includes('<server host="10.99.0.100" port="80" type="tcp"/>'));
  t.true(made.includes(' dumptraffic="protocol"'));
  const before = new Set(shipped.split('\n'));
  const changed = made.split('\n').filter((line) => !before.has(line));
  t.is(changed.length, 7, changed.join('\n'));
  t.is(made.split('\n').length, shipped.split('\n').length);
});

test('a configuration without the place to change is refused', (t) => {
  t.throws(() => tsungConfig(shipped.replace('<load>', '<load >'), '10.9.9.9', []), {
    message: /vagrant\/tsung\.xml: expected one match of .*load.*, found 0/,
  });
});

/** As Tsung 1.7.0 wrote it, without the monitoring of most intervals. */
const LOG = `# stats: dump at 1795982622
stats: users 0 2
stats: {cpu,"tsung_controller@client"} 1 52.568904766348076 0 52.568904766348076 52.568904766348076 0 0
stats: users_count 71 71
stats: request 66 3.3378181818181822 1.78507589100271 13.644 1.435 0 0
stats: connect 66 1.8374545454545448 1.5225966076909754 11.585 0.46 0 0
stats: 200 66 66
stats: size_rcv 6270 6270
# stats: dump at 1795982632
stats: users 0 2
stats: users_count 70 141
stats: request 75 3.64436 2.5569795756712645 17.752 1.435 3.3378181818181822 66
stats: connect 75 1.8295466666666664 1.2176888633071348 11.585 0.46 1.8374545454545448 66
stats: 200 75 141
stats: error_connect_timeout 2 2
stats: size_rcv 7125 13395
EndMonitor:{1795,982635,210558}
`;

test('the totals of tsung.log: the last interval and all before it', (t) => {
  const {samples, counts} = parseTsungLog(LOG);
  t.like(samples.request, {count: 141, most: 17.752});
  // As Tsung itself has it in its next interval.
  t.is(samples.request?.mean.toFixed(6), '3.500872');
  t.like(counts, {users_count: 141, 200: 141, error_connect_timeout: 2});
  t.deepEqual(Object.keys(samples), ['request', 'connect']);
});

const DUMP = `#date;pid;id;http method;host;URL;HTTP status;size;duration;transaction;match;error;tag
1795982613.000000;<0.178.0>;1;get;127.0.0.1;/index.html;200;95;100.000;-;;;
1795982613.718886;<0.181.0>;2;get;127.0.0.1;/index.html;200;95;3.226;-;;;
1795982614.348094;<0.182.0>;3;get;127.0.0.1;/index.html;404;95;2.406;-;;;
1795982621.826844;<0.245.0>;66;get;127.0.0.1;/index.`;

test('the requests of tsung.dump, whose last line may be cut short', (t) => {
  const {began, samples} = parseTsungDump(DUMP);
  t.is(began, 1_795_982_612_900);
  t.deepEqual(samples, [
    [0, null, 100, ''],
    [815.7, null, 3.226, ''],
    [1_445.7, null, 2.406, null, 'HTTP 404'],
  ]);
});

/** As tsung_stats.pl 1.7.0 wrote it, without most of its rows. */
const HTML = `<h3 id="stats" class="sub-header">Main Statistics</h3>
 <div class="table-responsive">
 <table class="table table-striped table-bordered">
  <tr><th class="stats">Name</th> <th class="stats">highest 10sec
 mean</th> <th
 class="stats">Highest Rate</th><th class="stats">Mean Rate</stats><th class="stats"> Mean </th>
  </tr>
     <tr>
\t\t<td class="stats">connect</td>
\t\t<td class="stats">1.95 msec </td>
\t\t<td class="stats">8.2 / sec</td>
\t\t<td class="stats">4.10 / sec</td>
\t\t<td class="stats">1.81 msec </td>
     </tr>
 </table>
 </div>
 <h3 id="transaction" class="sub-header">Transactions Statistics</h3>
 <table class="table table-striped table-bordered">
  <tr><th class="stats">Name</th>
  </tr>
 </table>
 <h3 id="http_status" class="sub-header">HTTP return code </h3>
 <table class="table table-striped table-bordered">
  <tr><th class="stats">Code</th><th class="stats">Total number</th>
  </tr>
     <tr>
\t\t<td class="stats">200</td>
\t\t<td class="stats">150</td>
     </tr>
 </table>
`;

const tsung = (): TsungReport => {
  const {samples} = parseTsungDump(DUMP);
  return {
    log: parseTsungLog(LOG),
    figures: figuresOf(samples),
    seconds: secondsOf({samples, began: 499.7, length: 1_500}),
    tables: parseTsungReport(HTML),
  };
};
const measured: Measured = {
  rate: 10,
  ramp: 0,
  began: 0,
  length: 2_000,
  late: 0,
  samples: [
    [0, 4, 10, 'web1'],
    [100, 6, 30, 'web2'],
  ],
  cpu: {of: 'processes', samples: []},
};

test('the tables of report.html', (t) => {
  t.deepEqual(parseTsungReport(HTML), [
    {
      title: 'Main Statistics',
      rows: [
        ['Name', 'highest 10sec mean', 'Highest Rate', 'Mean Rate', 'Mean'],
        ['connect', '1.95 msec', '8.2 / sec', '4.10 / sec', '1.81 msec'],
      ],
    },
    {
      title: 'HTTP return code',
      rows: [
        ['Code', 'Total number'],
        ['200', '150'],
      ],
    },
  ]);
});

test('both reports side by side, on the terminal and on the page', (t) => {
  const load = loadReport({...measured, tsung: tsung()}, []);
  if (load.tsung === undefined) return t.fail();
  const rows = Object.fromEntries(
    besideTsung(load, load.tsung).map(([name = '', ...both]) => [name.trim(), both]),
  );
  t.like(rows, {
    'the same load': ['ours', 'Tsung'],
    started: ['2', '141'],
    connected: ['2', '141'],
    answered: ['2', '141'],
    failed: ['0', '2'],
    'answered in the fullest second': ['2', '2'],
    'connecting, mean ms': ['5', '1.8'],
    'request, mean ms': ['20', '3.5'],
    'request, p99 ms': ['30', '100'],
    'request, max ms': ['30', '17.8'],
  });
  t.regex(renderLoad(load), /^request, mean ms +20 +3\.5$/m);
  t.regex(renderLoad(load), /^ {2}Main Statistics\n {4}Name .*\n {4}connect +1\.95 msec/m);
  const report = {...emptyReport, length: 3_000, load};
  t.regex(renderPage(report), /<td>request, mean ms<\/td><td class="n">20<\/td><td class="n">3\.5<\/td>/);
  t.true(loadSeries(load).some(({name, points}) => name === 'Tsung: answered' && points[0]?.[0] === 500));
});

test('--tsung needs a load', (t) => {
  const read = readOptions(['--tsung']);
  t.regex('problem' in read ? read.problem : '', /--tsung: expected --load RATE/);
  const both = readOptions(['--load', '5', '--tsung']);
  t.like('options' in both ? both.options.load : {}, {rate: 5, tsung: true});
});
