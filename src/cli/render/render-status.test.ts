import test from 'ava';
import type {StatusSnapshot} from '../../control/protocol.ts';
import {renderStatus} from './render-status.ts';
import {clip, duration} from './table.ts';

const snapshot: StatusSnapshot = {
  version: 1,
  node: 'director1',
  daemonVersion: '0.1.0',
  wall: 0,
  uptime: 65_000,
  configDir: '/etc/ha.d',
  configLoaded: 0,
  configNotices: 0,
  configDigest: 'abcdef',
  ready: {ready: true, reason: 'first round of checks done, table programmed'},
  processes: [
    {name: 'failover', state: 'running', pid: 12, restarts: 0, spare: 'loaded'},
    {name: 'checks', state: 'dead', restarts: 2, lastExit: 'SIGKILL', spare: 'loading'},
  ],
  engine: {
    pid: 12,
    node: 'director1',
    realtime: 'SCHED_FIFO 50',
    groups: [
      {
        vrid: 1,
        name: 'IPaddr2::10.0.0.100/24/eth0',
        role: 'Active',
        priority: 200,
        preferredNode: 'director1',
        since: 0,
        vips: [{address: '10.0.0.100', device: 'eth0', held: true, leaseLeft: 2_600}],
      },
    ],
    peers: [
      {
        name: 'director2',
        state: 'up',
        lastHeardAgo: 4,
        ready: true,
        configDigest: '999999',
        groups: [{vrid: 1, role: 'Backup', priority: 100}],
      },
    ],
    paths: [{name: 'mcast eth0', hears: true, heard: true, lastHeardAgo: 4, received: 9, sent: 9}],
    counters: {'fault-bad-tag': 3, 'fault-replay': 0},
    vipLease: 3_000,
    vipRenewal: 1_000,
    lateness: {p50: 0.1, p99: 0.3, max: 1},
    pings: [{name: '10.0.0.1', answers: true}],
  },
  engineAge: 100,
  ipvs: {available: true, version: '1.2.1'},
  virtuals: [
    {
      name: 'tcp 10.0.0.100:80',
      scheduler: 'rr',
      inKernel: true,
      connections: '5',
      reals: [
        {
          name: '10.0.0.1:80',
          method: 'gate',
          weight: 1,
          configuredWeight: 1,
          activeConnections: 2,
          inactiveConnections: 3,
          check: 'up',
          reason: 'HTTP 200, body matches',
          checkedAgo: 300,
        },
        {
          name: '10.0.0.2:80',
          method: 'gate',
          configuredWeight: 1,
          activeConnections: 0,
          inactiveConnections: 0,
          check: 'down',
          reason: 'connection refused',
        },
      ],
    },
  ],
  sync: {daemons: [{role: 'master', interface: 'eth0', syncid: 0}]},
  transitions: [
    {
      vrid: 1,
      group: 'IPaddr2::10.0.0.100/24/eth0',
      from: 'Backup',
      to: 'Active',
      reason: 'director2 is silent',
      at: 0,
      wall: 1_000,
    },
  ],
  problems: [],
};

test('the whole screen, plain and at 80 columns', (t) => {
  const text = renderStatus(snapshot, 80);
  t.snapshot(text);
  for (const line of text.split('\n')) t.true(line.length <= 80, line);
});

test('a silent engine and a lost peer are said', (t) => {
  const {engine} = snapshot;
  if (!engine) return t.fail();
  const text = renderStatus(
    {
      ...snapshot,
      engineAge: 9_000,
      engine: {...engine, peers: engine.peers.map((peer) => ({...peer, state: 'dead' as const}))},
    },
    80,
  );
  t.regex(text, /the failover engine was last heard 9\.0 s ago/);
  t.regex(text, /director2 dead \(was Backup\)/);
});

test('durations and cuts', (t) => {
  t.deepEqual([340, 1_500, 12_000, 180_000].map(duration), ['340 ms', '1.5 s', '12 s', '3 min']);
  t.is(clip('abcdef', 4), 'abc…');
  t.is(clip('\u001B[32mabc\u001B[39m', 3), '\u001B[32mabc\u001B[39m');
});

test('orders are shown with who, when and why; one that reaches nothing says so', (t) => {
  const screen = renderStatus(
    {
      ...snapshot,
      orders: [
        {kind: 'drain', target: '10.0.0.1', reals: ['x'], who: 'ann', when: 0, reason: 'new kernel'},
        {kind: 'weight', target: '10.0.0.2:80', reals: [], weight: 5, who: 'bob', when: 0},
        {kind: 'maintenance-file', target: '10.0.0.3:80 in tcp 10.0.0.100:80', reals: ['y']},
      ],
    },
    100,
  );
  const [, shown = ''] = screen.split('Orders for real servers\n');
  t.deepEqual(shown.split('\n').slice(0, 3), [
    '  10.0.0.1 drained by ann, 1970-01-01 00:00 UTC: new kernel',
    '  10.0.0.2:80 weight 5 by bob, 1970-01-01 00:00 UTC (no such real is configured now)',
    '  10.0.0.3:80 in tcp 10.0.0.100:80 in maintenance by a file in maintenancedir',
  ]);
});
