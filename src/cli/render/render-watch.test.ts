import test from 'ava';
import type {JournalEvent} from '../../control/events.ts';
import type {RealStatus, StatusSnapshot} from '../../control/protocol.ts';
import {load, rates, renderWatch, sampleOf, sparkline, type Look, type WatchView} from './render-watch.ts';

const real = (name: string, active: number, check: RealStatus['check'], weight?: number): RealStatus => ({
  name,
  method: 'gate',
  configuredWeight: 1,
  ...(weight === undefined ? {} : {weight}),
  activeConnections: active,
  inactiveConnections: active * 2,
  check,
  reason: 'r',
});

/** One second of a director that took over in the fifth. */
const look = (second: number): Look => {
  const dead = second >= 5;
  const status: StatusSnapshot = {
    version: 1,
    node: 'director2',
    daemonVersion: '0.1.0',
    wall: Date.UTC(2026, 10, 21, 3, 0, second),
    uptime: 86_400_000 + second * 1_000,
    configDir: '/etc/ha.d',
    configLoaded: 0,
    configNotices: 0,
    configDigest: '',
    ready: {ready: true, reason: ''},
    processes: [],
    engine: {
      pid: 1,
      node: 'director2',
      realtime: '',
      groups: [
        {
          vrid: 1,
          name: 'IPaddr2::10.0.0.100/24/eth0',
          role: dead ? 'Active' : 'Backup',
          priority: 100,
          preferredNode: 'director1',
          since: 0,
          vips: [{address: '10.0.0.100', device: 'eth0', held: dead}],
        },
      ],
      peers: [
        {name: 'director1', state: dead ? 'dead' : 'up', groups: [{vrid: 1, role: 'Active', priority: 200}]},
      ],
      paths: ['mcast eth0 225.0.0.1:694', 'ucast eth1 10.1.0.1:694'].map((name) => ({
        name,
        hears: !dead,
        heard: !dead,
        received: Math.min(second, 5) * 5,
        sent: second * 5,
        dropped: 0,
      })),
      counters: {},
      vipLease: 0,
      vipRenewal: 0,
      lateness: {p50: 0, p99: 0, max: 0},
      pings: [],
    },
    engineAge: 0,
    ipvs: {available: true},
    virtuals: [
      {
        name: 'tcp 10.0.0.100:80',
        scheduler: 'wlc',
        inKernel: true,
        connections: '9',
        reals: [
          real('10.0.0.11:80', second * 10, 'up', 1),
          real('10.0.0.12:80', second < 6 ? 40 : 0, second < 6 ? 'up' : 'down', second < 6 ? 1 : 0),
          real('127.0.0.1:80', 0, 'fallback'),
        ],
      },
    ],
    sync: {daemons: []},
    transitions: [],
    problems: [],
  };
  const event = (at: number, kind: JournalEvent['kind'], level: JournalEvent['level'], text: string) => ({
    v: 1 as const,
    seq: at,
    wall: Date.UTC(2026, 10, 21, 3, 0, at),
    mono: at,
    node: 'director2',
    kind,
    level,
    subject: '',
    text,
  });
  const events = [
    event(5, 'peer', 'warn', 'director1 is silent for 1004 ms: dead'),
    event(5, 'role', 'info', 'IPaddr2::10.0.0.100/24/eth0: Backup -> Active: director1 is dead'),
    event(6, 'check', 'warn', 'tcp 10.0.0.100:80 > 10.0.0.12:80 is down: connection refused'),
  ];
  return {status, events: events.filter(({seq}) => seq <= second)};
};
const view = (looks: readonly Look[]): WatchView => {
  const last = looks.at(-1);
  return {...(last ? {look: last} : {}), samples: looks.map(({status}) => sampleOf(status))};
};
const minute = view(Array.from({length: 12}, (_, second) => look(second)));

test('a failover and a dead real server on a screen of 80 columns', (t) => {
  const lines = renderWatch(minute, 80, 24);
  t.snapshot(lines.join('\n'));
  t.true(lines.every((line) => line.length <= 80));
});

test('the daemon disappears: the last frame stays, with the reason', (t) => {
  const lines = renderWatch({...minute, problem: 'no daemon at /run/hactl/control.sock'}, 80, 24);
  t.is(lines[1], '! no daemon at /run/hactl/control.sock');
  t.is(renderWatch({samples: [], problem: 'gone'}, 80)[0], 'gone');
});

test('no frame exceeds its width and height', (t) => {
  for (const width of [20, 40, 60, 79, 80, 100, 132, 250])
    for (const height of [1, 5, 12, 15, 24, 60]) {
      const lines = renderWatch({...minute, problem: 'x'.repeat(300)}, width, height);
      t.true(lines.length <= height, `${width}x${height}: ${lines.length} lines`);
      const longest = Math.max(...lines.map((line) => line.length));
      t.true(longest <= width, `${width}x${height}: ${longest} columns`);
    }
});

test('many real servers: truncated lines are counted', (t) => {
  const last = look(11);
  const [virtual] = last.status.virtuals;
  if (!virtual) return t.fail('no virtual');
  const reals = Array.from({length: 50}, (_, at) => real(`10.0.1.${at}:80`, at, 'up', 1));
  const status = {...last.status, virtuals: [{...virtual, reals}]};
  const lines = renderWatch(view([{...last, status}]), 80, 24);
  const cut = lines.findIndex((line) => line.includes('more lines'));
  t.true(cut > 0);
  t.is(lines.length, 24);
  t.regex(lines[cut] ?? '', /^ {2}… \d+ more lines/);
  t.true(
    lines.some((line) => line.includes('Backup -> Active')),
    'the events stay',
  );
});

test('sparklines: newest at the right, gaps for missing samples', (t) => {
  t.is(sparkline([0, 1, 4, 8], 4), '▁▂▅█');
  t.is(sparkline([undefined, 8], 4), '   █');
  t.is(sparkline([1, 2, 3], 2), '▆█');
  t.is(sparkline([0, 0], 2), '▁▁');
  t.is(sparkline([4], 1, 8), '▅', 'a scale shared with others');
  t.is(sparkline([1, 10_000], 2), '▂█', 'a non-zero value is never drawn as zero');
});

test('rates: per second of the clock, unknown where the counter started over', (t) => {
  t.deepEqual(
    rates([
      [0, 0],
      [1_000, 5],
      [3_000, 25],
      [4_000, 2],
      [5_000, undefined],
      [6_000, 7],
      [6_000, 9],
    ]),
    [5, 10, undefined, undefined, undefined, undefined],
  );
});

test('the load of a real server: established TCP connections, all UDP entries', (t) => {
  const virtual = look(0).status.virtuals[0];
  if (!virtual) return t.fail('no virtual');
  t.is(load(virtual, real('a', 3, 'up')), 3);
  t.is(load({...virtual, name: 'udp 10.0.0.1:53'}, real('a', 3, 'up')), 9);
});
