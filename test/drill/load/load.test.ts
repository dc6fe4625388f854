/** The load beneath a drill: its schedule, its figures, the directors' CPU, and the generator itself. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readFileSync} from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import {createInterface} from 'node:readline';
import test from 'ava';
import {renderLoad} from '../../../src/cli/render/drill-table.ts';
import {loadReport, type LoadSample, type Measured} from '../../../src/drill/load.ts';
import {loadSeries, renderLoadChart} from '../../../src/drill/load-chart.ts';
import {renderPage} from '../../../src/drill/page.ts';
import {isReport, type DrillReport} from '../../../src/drill/report.ts';
import {clientFiles} from '../client-files.ts';
import {readOptions} from '../options.ts';
import {emptyReport} from '../report.fixture.ts';
import {machineTicks, processTicks, ticksBetween} from './cpu.ts';
import type {Generated} from './generator.ts';
import {dueTimes, rampPhases} from './schedule.ts';

const root = path.resolve(import.meta.dirname, '../../..');

const first = (count: number, times: Iterator<number>): number[] =>
  Array.from({length: count}, () => times.next().value as number);

test('a ramp rises in equal steps, then the rate stays', (t) => {
  const phases = rampPhases(20, 8, 30);
  t.deepEqual(
    phases.map(({seconds, rate}) => [seconds, rate]),
    [
      [2, 4],
      [2, 8],
      [2, 12],
      [2, 16],
      [22, 20],
    ],
  );
  t.deepEqual(
    rampPhases(5, 10, 60).map(({seconds}) => seconds),
    [3, 2, 3, 2, 50],
  );
  t.deepEqual(rampPhases(5, 0, 60), [{seconds: 60, rate: 5}]);
  const due = first(400, dueTimes(phases));
  const distances = new Set(due.map((ms, index) => Math.round(ms - (due[index - 1] ?? 0))));
  t.true(distances.size > 20, 'not at equal distances');
  const within = (from: number, to: number): number => due.filter((ms) => ms >= from && ms < to).length;
  t.deepEqual([within(0, 2_000), within(2_000, 4_000), within(6_000, 8_000)], [8, 16, 32]);
  t.is(within(10_000, 11_000), 20);
  t.deepEqual(
    due,
    due.toSorted((a, b) => a - b),
  );
  t.true((first(50, dueTimes(rampPhases(10, 0, 1))).at(-1) ?? 0) > 4_000, 'longer than planned');
});

const answered = (due: number, took: number, server = 'web1'): LoadSample => [due, took / 2, took, server];
const measured: Measured = {
  rate: 2,
  ramp: 0,
  began: 10_000,
  length: 2_000,
  late: 3.4,
  samples: [
    answered(0, 10),
    answered(500, 1_700, 'web2'),
    answered(1_000, 20),
    [1_500, null, 3_000, null, 'no answer within 3000 ms'],
  ],
  cpu: {
    of: 'processes',
    samples: [
      {at: 11_000, director: 'director1', percent: 4},
      {at: 12_000, director: 'director1', percent: 7},
      {at: 20_000, director: 'director1', percent: 90},
    ],
  },
};
const whole = {from: 0, to: 20_000};
const events = [
  {event: 'before', from: 1_000, to: 2_000},
  {event: 'power loss', from: 10_400, to: 11_200},
];

test('answers and failures count in the second in which they happen, durations in the one they were due', (t) => {
  const {seconds} = loadReport(measured, []);
  const of = (field: keyof (typeof seconds)[number]) => seconds.map((second) => second[field]);
  t.deepEqual(of('at'), [10_000, 11_000, 12_000, 13_000, 14_000]);
  t.deepEqual(of('due'), [2, 2, 0, 0, 0]);
  t.deepEqual(of('connected'), [1, 2, 0, 0, 0]);
  t.deepEqual(of('answered'), [1, 1, 1, 0, 0]);
  t.deepEqual(of('failed'), [0, 0, 0, 0, 1]);
  t.deepEqual(of('p99'), [1_700, 20, null, null, null]);
});

test('the whole load, and each event during it', (t) => {
  const {spans, errors} = loadReport(measured, events);
  t.deepEqual(
    spans.map(({name, due, answered: count, failed, p50, most, servers}) => [
      name,
      due,
      count,
      failed,
      p50,
      most,
      servers,
    ]),
    [
      ['the whole load', 4, 3, 1, 20, 1_700, {web1: 2, web2: 1}],
      ['power loss', 2, 2, 0, 20, 1_700, {web1: 1, web2: 1}],
    ],
  );
  t.deepEqual(spans[0]?.cpu, {director1: {mean: 5.5, most: 7}});
  t.is(spans[0]?.mean, 576.7);
  t.deepEqual(errors, {'no answer within 3000 ms': 1});
});

test('a load without an answer has no durations', (t) => {
  const failed: LoadSample = [0, null, 1, null, 'ECONNREFUSED'];
  const {spans} = loadReport({...measured, samples: [failed]}, []);
  t.like(spans[0], {due: 1, answered: 0, p50: null, mean: null, most: null});
  t.regex(
    renderLoad(loadReport({...measured, samples: [failed]}, [])),
    /^the whole load +1 +0, 0\.0 +0, 0\.0 +1 +- /m,
  );
});

const report = (): DrillReport => ({
  ...emptyReport,
  length: 20_000,
  load: loadReport(measured, events),
});

test('the page draws every line of the load, with gaps, and its table', (t) => {
  const drill = report();
  const {load} = drill;
  if (load === undefined) return t.fail();
  const chart = renderLoadChart(drill, load);
  for (const {name} of loadSeries(load)) t.true(chart.includes(`<title>${name}</title>`), name);
  const p99 = /<path d="([^"]*)"[^>]*><title>p99</.exec(chart)?.[1] ?? '';
  t.is(p99.match(/[ML]/g)?.join(''), 'ML', 'the seconds without an answer have no point');
  t.notRegex(chart, /NaN|undefined|Infinity/);
  const page = renderPage(drill);
  t.regex(page, /<h2>Load<\/h2>/);
  t.regex(page, /<td>the whole load<\/td><td class="n">4<\/td><td class="n">3, 1\.5<\/td>/);
  t.regex(page, /failed: 1 × no answer within 3000 ms/);
  const evil: LoadSample = [0, 1, 2, '<script>'];
  t.notRegex(
    renderPage({
      ...drill,
      load: loadReport({...measured, samples: [evil]}, [{...whole, event: '<img src=x>'}]),
    }),
    /<(script|img)/,
  );
  const {load: _, ...without} = drill;
  t.notRegex(renderPage(without), /<h2>Load/);
});

test('a report with a damaged load is rejected', (t) => {
  const whole: unknown = JSON.parse(JSON.stringify(report()));
  t.true(isReport(whole));
  t.false(isReport({...report(), load: {}}));
  t.false(isReport({...report(), load: null}));
});

test('CPU time of a process with parentheses in its name, of a machine, and between two readings', (t) => {
  const stat = '17 (a) (b c) S 1 17 17 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 11 0 1 2 3';
  t.is(processTicks(stat), 300);
  t.is(machineTicks('cpu  100 1 50 9000 300 2 7 0 0 0\ncpu0 1 1 1 1\n'), 160);
  const ticks = (...pairs: [number, number][]): ReadonlyMap<number, number> => new Map(pairs);
  t.is(ticksBetween(ticks([1, 100], [2, 50]), ticks([1, 110], [3, 5])), 15, '2 ended, 3 began');
  t.is(ticksBetween(ticks([0, 900]), ticks([0, 10])), 0, 'a machine that booted counts from zero');
});

test('the load of the command line', (t) => {
  const read = (...argv: string[]) => readOptions(argv);
  const plan = (...argv: string[]): unknown => {
    const got = read(...argv);
    return 'options' in got ? got.options.load : got.problem;
  };
  t.is(plan(), undefined);
  t.deepEqual(plan('--load', '20'), {rate: 20, ramp: 10, seconds: 30, tsung: false});
  t.deepEqual(plan('--load', '2.5,60', '--load-ramp', '0'), {rate: 2.5, ramp: 0, seconds: 60, tsung: false});
  for (const wrong of ['0', '-3', 'fast', '20,', '20,x'])
    t.regex(String(plan(`--load=${wrong}`)), /--load .*: expected connections per second.*--help$/);
});

test('a client without a checkout gets all that its programs import', (t) => {
  for (const file of clientFiles) {
    const imports = readFileSync(path.join(root, file), 'utf8').matchAll(
      /^import (?!type )[^;]*? from '(\.[^']+)';/gms,
    );
    for (const [, name = ''] of imports) {
      const needed = path.join(path.dirname(file), name);
      t.true(existsSync(path.join(root, needed)), needed);
      t.true(clientFiles.includes(needed), `${file} needs ${needed}`);
    }
  }
});

test('requests go out on schedule while the server answers none', async (t) => {
  const waiting: net.Socket[] = [];
  const server = net.createServer((socket) => {
    waiting.push(socket);
    socket.on('error', () => undefined).resume();
    if (waiting.length >= 20) server.emit('enough');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address() as net.AddressInfo;
  const words = ['--port', String(port), '--rate', '200', '--timeout', '60000'];
  const child = spawn(process.execPath, ['test/drill/load/generator.ts', ...words], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => {
    child.kill('SIGKILL');
    server.close();
  });
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  await lines.next();
  // Twenty requests are open: none of them waited for another's answer.
  await once(server, 'enough');
  child.stdin.write('stop\n');
  server.on('connection', answer);
  waiting.forEach(answer);
  const {length, samples} = JSON.parse((await lines.next()).value as string) as Generated;
  t.true(samples.length >= 20);
  const due = samples.map(([ms]) => ms).toSorted((a, b) => a - b);
  t.true(
    due.every((ms, index) => ms > 5 * index - 0.1 && ms < 5 * index + 5.1),
    'each within its own 5 ms',
  );
  t.true(
    samples.every(
      ([, connected, took, server]) => connected !== null && took >= connected && server === 'web7',
    ),
  );
  t.true(length >= (due.at(-1) ?? Infinity));
});

const answer = (socket: net.Socket): void => {
  socket.end('HTTP/1.1 200 OK\r\n\r\nIt Works! web7\n');
};
