import {parseHaCf, parseLdirectordCf} from '@hactl/config';
import type {SyncReport} from '@hactl/sync';
import test from 'ava';
import {syncGroups, syncReadiness, syncSettings, type SyncStanding} from './sync-groups.ts';

const ha = (more: string, nodes = 'node one\nnode two\n') =>
  parseHaCf(
    {path: 'ha.cf', text: `keepalive 1\ndeadtime 5\nbcast eth0\n${nodes}auto_failback on\n${more}`},
    {mode: 'lenient'},
  );
const cluster = (more: string, nodes?: string) => ({
  ha: ha(more, nodes).model,
  haresources: {path: 'haresources', groups: []},
  authkeys: {
    path: 'authkeys',
    active: 2,
    keys: [
      {id: 1, method: 'sha1', secret: 'old', span: {} as never},
      {id: 2, method: 'sha256', secret: 'new', span: {} as never},
    ] as const,
  },
  ldirectord: [],
});

const standing = (uptime: number, more: Partial<SyncStanding> = {}): SyncStanding => ({
  uptime,
  limit: 15_000,
  trusted: false,
  peerServes: false,
  ...more,
});

const report = (inSync: boolean, reason: string) =>
  ({daemons: [], report: {inSync, reason} as SyncReport}) as const;

test('without settings in ha.cf: multicast, half a minute, young connections pushed', (t) => {
  t.like(syncSettings(cluster(''), 'one', '/var/lib/hactl'), {
    mode: 'multicast',
    port: 8_849,
    node: 'one',
    secret: 'new',
    accepted: ['old', 'new'],
    delay: 20,
    deadline: 30_000,
    sysctls: {sync_threshold: '1 0', sync_refresh_period: '10', conn_reuse_mode: '3'},
    stateDir: '/var/lib/hactl',
  });
});

test('settings in ha.cf are applied', (t) => {
  const text =
    'hactl_sync relay-encrypted\nhactl_sync_port 9000\nhactl_sync_delay 50ms\nhactl_sync_deadline 120\nhactl_ipvs sync_threshold 1 5\nhactl_ipvs conn_reuse_mode 0\n';
  t.deepEqual(ha(text).diagnostics, []);
  t.like(syncSettings(cluster(text), 'one', '/'), {
    mode: 'relay',
    port: 9_000,
    delay: 50,
    deadline: 120_000,
    sysctls: {sync_threshold: '1 5', sync_refresh_period: '10', conn_reuse_mode: '0'},
  });
  const late = syncSettings(cluster('hactl_sync_delay off\n'), 'one', '/');
  t.is(late?.sysctls.sync_threshold, '0 2');
});

test('UDP only: a dead server’s flows move to another with their next packet, unless ha.cf says otherwise', (t) => {
  const resolve = {host: () => undefined, service: () => undefined};
  const settings = (virtuals: string, more = '') => {
    const {model} = parseLdirectordCf({path: 'x.cf', text: virtuals}, {mode: 'lenient', resolve});
    const wanted = syncSettings({...cluster(more), ldirectord: [model]}, 'one', '/');
    return [wanted?.lasting?.expire_nodest_conn, wanted?.sysctls.expire_nodest_conn];
  };
  const udp = 'virtual=10.0.0.1:53\n\tprotocol=udp\n\treal=10.0.0.2:53 gate\n';
  const tcp = 'virtual=10.0.0.1:53\n\tprotocol=tcp\n\treal=10.0.0.2:53 gate\n';
  const mark = 'virtual=7\n\treal=10.0.0.2 gate\n';
  t.deepEqual(settings(udp), ['1', '1']);
  for (const mixed of [`${udp}${tcp}`, `${udp}${mark}`, tcp, ''])
    t.deepEqual(settings(mixed), [undefined, undefined], mixed);
  t.deepEqual(settings(udp, 'hactl_ipvs expire_nodest_conn 0\n'), ['0', '0']);
  t.deepEqual(settings(tcp, 'hactl_ipvs expire_nodest_conn 1\n'), ['1', '1']);
});

test('invalid settings are rejected', (t) => {
  for (const line of [
    'hactl_sync yes',
    'hactl_sync_delay 20',
    'hactl_sync_delay 1ms',
    'hactl_sync_delay never',
    'hactl_sync_port 8848',
    'hactl_sync_port x',
    'hactl_ipvs ../x 1',
    'hactl_ipvs sync_ports',
  ]) {
    const {diagnostics} = ha(`${line}\n`);
    t.true(
      diagnostics.some(({severity}) => severity === 'error'),
      line,
    );
  }
});

test('a cluster of one node has no sync peer', (t) => {
  t.is(syncSettings(cluster('', 'node one\n'), 'one', '/'), undefined);
  t.deepEqual(syncGroups([], new Map()), []);
});

test('readiness: nothing to sync, not started, in progress, in sync, broken for long', (t) => {
  t.true(syncReadiness(false, undefined, standing(0)).ready);
  for (const status of [undefined, {daemons: []}])
    t.deepEqual(syncReadiness(true, status, standing(60_000)), {
      ready: false,
      reason: 'connection sync: not started yet',
    });
  t.false(syncReadiness(true, {daemons: [], problem: 'no interface eth9'}, standing(1_000)).ready);
  t.true(syncReadiness(true, undefined, standing(1_000, {trusted: true})).ready);
  t.false(syncReadiness(true, report(false, 'on its way'), standing(1_000, {trusted: true})).ready);
  t.deepEqual(syncReadiness(true, report(false, 'on its way'), standing(60_000)), {
    ready: false,
    reason: 'connection sync: on its way',
  });
  t.true(syncReadiness(true, report(true, 'in sync'), standing(1_000)).ready);
  t.deepEqual(syncReadiness(true, {daemons: [], problem: 'no interface eth9'}, standing(16_000)), {
    ready: true,
    reason: 'no interface eth9',
  });
});

test('a sync process that heard no peer makes no director ready while the engine hears one, up to the deadline', (t) => {
  const alone = {
    daemons: [],
    report: {inSync: true, reason: 'no peer to learn from', alone: true} as SyncReport,
  };
  const ready = (uptime: number, more: Partial<SyncStanding>) =>
    syncReadiness(true, alone, standing(uptime, more)).ready;
  t.deepEqual(syncReadiness(true, alone, standing(12_000, {peerServes: true})), {
    ready: false,
    reason: 'connection sync: the peer lives, its sync process was not heard yet',
  });
  t.true(ready(16_000, {peerServes: true}));
  t.true(ready(12_000, {peerServes: false}));
  t.true(ready(12_000, {peerServes: true, trusted: true}));
});
