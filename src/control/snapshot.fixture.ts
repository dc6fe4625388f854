/** A status with every field, for tests of its renderers. */
import type {StatusSnapshot} from './protocol.ts';

export const snapshot: StatusSnapshot = {
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
    paths: [
      {name: 'mcast eth0', hears: true, heard: true, lastHeardAgo: 4, received: 9, sent: 9, dropped: 0},
    ],
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
