import type {SyncReport} from '@hactl/sync';
import test from 'ava';
import {syncReportLines, warnings} from './render-sync.ts';

const report: SyncReport = {
  mode: 'relay',
  encrypted: true,
  inSync: true,
  reason: 'in sync with the peer',
  phase: 'in-sync',
  peer: true,
  here: 2_204,
  there: 2_204,
  missingHere: 0,
  missingThere: 0,
  lag: 0,
  relayed: 0,
  heard: 10,
  lost: 0,
  late: 0,
  replayed: 0,
  forged: 0,
  malformed: 0,
  injected: 2_204,
  waiting: 0,
  overflows: 0,
  repaired: 0,
  resyncs: 1,
  resent: 0,
  retired: 0,
  unheard: 0,
  pulse: 'idle',
  backlog: 0,
  audit: {walks: 0, added: 0, lost: 0},
  last: {took: 612, connections: 2_204, rounds: 1, complete: true},
};

test('all is well', (t) => {
  t.deepEqual(syncReportLines(report), [
    'ready: in sync with the peer (relay, encrypted)',
    'connections: 2204 here, 2204 at the peer',
    'missing: 0 here, 0 at the peer; lag: none; lost: 0 datagrams, late: 0',
    'last resync: complete after 0.61 s, 2204 connections, 1 comparison',
  ]);
});

test('without a peer its lines are omitted', (t) => {
  const {there: _, missingThere: __, last: ___, ...alone} = report;
  t.deepEqual(syncReportLines({...alone, peer: false, mode: 'multicast', reason: 'no peer to learn from'}), [
    "ready: no peer to learn from (the kernels' multicast, not authenticated)",
    'connections: 2204 here, peer not heard',
  ]);
});

test('how young a connection is when the peer knows it, once that was measured', (t) => {
  t.true(
    syncReportLines({...report, age: {p50: 31.2, p99: 58}, backlog: 1}).includes(
      'young connections: at the peer within 31 ms (median), 58 ms (99 of 100); backlog: 1 octet',
    ),
  );
});

test('the audit has its line once it has walked', (t) => {
  const lines = syncReportLines({...report, retired: 3, audit: {walks: 2, added: 1, lost: 0}});
  t.true(
    lines.includes(
      "audit: 2 walks through the kernel's list, 1 taken in, 0 not there any more; ended with their real server: 3",
    ),
  );
  t.deepEqual(warnings({...report, lost: 5, heard: 10}), [], 'a few are no reason to worry');
});

test('each problem has its warning, and nothing else has one', (t) => {
  t.deepEqual(warnings(report), []);
  for (const [change, words] of [
    [{phase: 'deadline'}, /hactl_sync_deadline/],
    [{missingHere: 3}, /3 connections .* hactl sync resync/],
    [{pulse: 'silent'}, /master daemon/],
    [{unheard: 4}, /4 datagrams .*sync_refresh_period/],
    [{lag: 7_000}, /7 s: .* link/],
    [{lost: 300, heard: 9_700}, /300 of 10000 .* ip -s link/],
    [{malformed: 1}, /1 sync message .* syncid/],
    [{audit: {walks: 2, added: 0, lost: 5}}, /5 connections .* memory/],
    [{overflows: 1}, /1 datagram, .*sync_sock_size/],
    [{forged: 2}, /authkeys/],
    [{replayed: 2}, /replay/],
  ] as const) {
    const found = warnings({...report, ...change});
    t.is(found.length, 1);
    t.regex(found[0] ?? '', words);
  }
  t.deepEqual(warnings({...report, phase: 'transfer', inSync: false, missingHere: 100}), []);
});
