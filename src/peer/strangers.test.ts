/** How refused connections at the peer port are reported. */
import test from 'ava';
import {plainAddress, strangerAt, type PeerSettings} from './settings.ts';
import {makeStrangers} from './strangers.ts';

test('one source: reported at once, then its count after the minute, and nothing once it has stopped', (t) => {
  const strangers = makeStrangers();
  t.is(strangers.dueAt, undefined);
  t.deepEqual(strangers.refused('a', 'no key', 0), {source: 'a', reason: 'no key', count: 1});
  for (let at = 1; at <= 27_000; at += 1) t.is(strangers.refused('a', 'no key', at), undefined);
  t.is(strangers.dueAt, 60_000);
  t.deepEqual(strangers.flush(59_999), []);
  t.deepEqual(strangers.flush(60_000), [{source: 'a', reason: 'no key', count: 27_000}]);
  t.is(strangers.refused('a', 'no key', 60_001), undefined, 'it was reported a moment ago');
  t.deepEqual(strangers.flush(120_000), [{source: 'a', reason: 'no key', count: 1}]);
  t.deepEqual(strangers.flush(180_000), []);
  t.is(strangers.dueAt, undefined);
});

test('ten thousand sources: a few by name, the others in one line', (t) => {
  const strangers = makeStrangers();
  const named = Array.from({length: 10_000}, (_, number) =>
    strangers.refused(`s${number}`, 'x', number),
  ).filter((report) => report !== undefined);
  t.is(named.length, 8);
  t.deepEqual(strangers.flush(60_000), [
    {source: 'other addresses', reason: 'not named one by one', count: 9_992},
  ]);
});

const settings: PeerSettings = {
  cluster: 'c',
  node: 'one',
  peers: ['two'],
  port: 6_944,
  addresses: ['10.0.0.2'],
  sources: ['10.0.0.2', '2001:DB8:0::2', 'fe80::2%eth0'],
  vips: ['10.0.0.100', '2001:db8::100'],
  signing: undefined,
  keys: [],
};

for (const [remote, local, stranger] of [
  ['10.0.0.2', '10.0.0.1', false],
  ['::ffff:10.0.0.2', '::ffff:10.0.0.1', false],
  ['2001:db8::2', '2001:db8::1', false],
  ['fe80::2%eth1', 'fe80::1%eth1', false],
  ['10.0.0.3', '10.0.0.1', true],
  ['::ffff:10.0.0.2', '::ffff:10.0.0.100', true],
  ['2001:db8::2', '2001:db8:0:0::100', true],
  ['', '', true],
] as const)
  test(`${remote} asks at ${local}: ${stranger ? 'a stranger' : 'the peer'}`, (t) => {
    t.is(strangerAt(settings, remote, local) !== undefined, stranger);
  });

test('every spelling of an address has one normal form', (t) => {
  t.is(plainAddress('2001:DB8:0:0::0001'), '2001:db8::1');
  t.is(plainAddress('::FFFF:192.0.2.1'), '192.0.2.1');
});
