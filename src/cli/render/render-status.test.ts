import test from 'ava';
import {snapshot} from '../../control/snapshot.fixture.ts';
import {renderStatus} from './render-status.ts';
import {clip, duration} from './table.ts';

test('the whole screen, plain and at 80 columns', (t) => {
  const text = renderStatus(snapshot, 80);
  t.snapshot(text);
  for (const line of text.split('\n')) t.true(line.length <= 80, line);
});

test('a silent engine and a lost peer are reported', (t) => {
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

test('overrides are shown with who, when and why; one that matches nothing says so', (t) => {
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
    '  10.0.0.2:80 weight 5 by bob, 1970-01-01 00:00 UTC (no such real server is configured now)',
    '  10.0.0.3:80 in tcp 10.0.0.100:80 in maintenance by a file in maintenancedir',
  ]);
});
