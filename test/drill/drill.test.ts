/** The drill's calculations. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {drillConfig} from './config.ts';
import {addressChange, holderChanges, holderTimes} from '../lab/holders.ts';
import {library} from './events/library.ts';
import {readOptions} from './options.ts';
import {reportLines, reportReader} from './reports.ts';
import {activeConnections} from './recorder.ts';
import {emptyReport} from './report.fixture.ts';
import {renderReport} from '../../src/cli/render/drill-table.ts';

const seed = (name: string): string =>
  readFileSync(path.resolve(import.meta.dirname, '../../test/fixtures/seeds', name), 'utf8');

test('time with two holders and with none', (t) => {
  const one = (at: number, director: string, holds: boolean) => ({at, director, holds});
  const story = [
    one(0, 'a', true),
    one(100, 'b', true),
    one(103, 'a', false),
    one(200, 'b', false),
    one(250, 'a', true),
  ];
  t.deepEqual(holderTimes(story, 50, 300), {both: 3, neither: 50});
  t.deepEqual(holderTimes(story, 101, 102), {both: 1, neither: 0});
  t.deepEqual(holderTimes([], 0, 10), {both: 0, neither: 10});
});

test('a renewed lease is not a change of holder', (t) => {
  const one = (at: number, director: string, holds: boolean) => ({at, director, holds});
  t.deepEqual(
    holderChanges([
      one(0, 'b', false),
      one(1, 'a', true),
      one(750, 'a', true),
      one(1_510, 'a', false),
      one(1_500, 'b', true),
      one(1_600, 'a', false),
      one(2_250, 'b', true),
    ]),
    [one(1, 'a', true), one(1_500, 'b', true), one(1_510, 'a', false)],
  );
});

test('address changes are parsed from ip monitor’s output', (t) => {
  const line = (rest: string): string => `[2026-11-21T10:00:00.123456] ${rest}`;
  const at = Date.parse('2026-11-21T10:00:00.123Z');
  t.deepEqual(addressChange(line('2: eth0    inet 10.9.0.1/24 scope global eth0'), '10.9.0.1'), {
    at,
    holds: true,
  });
  t.deepEqual(addressChange(line('Deleted 2: eth0    inet 10.9.0.1/24 scope global eth0'), '10.9.0.1'), {
    at,
    holds: false,
  });
  t.is(addressChange(line('2: eth0    inet 10.9.0.11/24 scope global eth0'), '10.9.0.1'), undefined);
});

test('connections per real server are parsed from /proc/net/ip_vs, without connection sync’s own', (t) => {
  const table = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A630064:0050 rr
  -> 0A63000C:0050      Route   1      7          12
  -> 0A63000B:0050      Route   0      4          0
TCP  7F583001:0001 rr
  -> 7F583003:0001      Route   1      9          0
FWM  00000001 wlc
  -> 7F000001:1F90      Local   1      0          3
`;
  t.deepEqual(activeConnections(table), {'10.99.0.12:80': 7, '10.99.0.11:80': 4, '127.0.0.1:8080': 0});
});

test('only names, addresses and intervals of the seeds’ files are replaced', (t) => {
  const made = drillConfig({
    seeds: {
      haCf: seed('s001_ha.cf'),
      haresources: seed('s001_haresources'),
      authkeys: seed('s001_authkeys'),
      ldirectordCf: seed('s004_flat.cf'),
    },
    vip: '10.99.0.100',
    directors: ['director1', 'director2'],
    webs: ['10.99.0.11', '10.99.0.12'],
    device: 'eth0',
    keepalive: '200ms',
    deadtime: '1',
    preemptDelay: '5',
  });
  t.is(
    made.haresources,
    'director1 ldirectord::ldirectord.cf LVSSyncDaemonSwap::master::eth0 IPaddr2::10.99.0.100/24/eth0/10.99.0.255\n',
  );
  t.regex(made['ha.cf'], /^keepalive 200ms\ndeadtime 1\ninitdead 1\nhactl_preempt_delay 5$/m);
  t.regex(made['ha.cf'], /^node director1\nnode director2$/m);
  t.regex(
    made['ldirectord.cf'],
    /^virtual=10\.99\.0\.100:80\nreal=10\.99\.0\.11:80 gate\nreal=10\.99\.0\.12:80 gate\nfallback/m,
  );
});

test('an unknown drill on the command line is refused before anything runs', (t) => {
  const problem = (argv: readonly string[]): string => {
    const read = readOptions(argv);
    return 'problem' in read ? read.problem : '';
  };
  t.is(problem(['--only', 'standby,power-loss', '--no-times']), '');
  t.is(problem(['--only', 'standby,power-los']), 'unknown drill power-los: see npm run drill -- --list');
  t.regex(problem(['--nonsense']), /--nonsense.*see npm run drill -- --help$/);
});

test('names of drills and of events are unique: reports are compared by them', (t) => {
  const names = library.map(({name}) => name);
  t.deepEqual([...new Set(names)], names);
  const events = library.flatMap((drill) => drill.events.map(({name}) => name));
  t.deepEqual([...new Set(events)], events);
  t.true(
    names.every((name) => /^[a-z-]+$/.test(name)),
    'for --only',
  );
});

test('a report passes a console intact, or is detected as damaged', (t) => {
  const requests = Array.from({length: 9_000}, (_, at) => [at * 97, (at * 7) % 113, 'web1'] as const);
  const report = {...emptyReport, requests};
  const read = (lines: readonly string[]): unknown[] => {
    const got: unknown[] = [];
    const reader = reportReader((one) => got.push(one));
    for (const line of lines) reader(line);
    return got;
  };
  const lines = reportLines(report);
  t.true(lines.every((line) => line.length < 1_100));
  t.deepEqual(read(lines), [JSON.parse(JSON.stringify(report))]);
  t.deepEqual(read(lines.toSpliced(3, 1)), [undefined], 'missing line');
  t.deepEqual(read(lines.with(2, (lines[2] ?? '').slice(0, -9))), [undefined], 'truncated line');
  t.false(reportReader(() => t.fail())('drill passed'));
});

test('a failure is in the table and in the text', (t) => {
  const row = {
    event: 'x',
    outage: 1,
    requests: 2,
    lost: 0,
    streams: 3,
    broken: 0,
    both: 0,
    neither: 0,
    note: '',
  };
  const text = renderReport([
    {...row, failures: []},
    {...row, event: 'y', failures: ['something broke']},
  ]);
  t.regex(text, /^x .* ok$/m);
  t.regex(text, /^y .* FAILED$/m);
  t.regex(text, /^FAILED y: something broke$/m);
});
