import test from 'ava';
import {CliError} from '../exit.ts';
import {eventLine} from '../render/render-events.ts';
import {plain} from '../render/render-status.ts';
import {parseSince} from '../render/when.ts';
import {eventQuery} from './events.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 30, 0);

test('--since: durations back, times of day, dates', (t) => {
  const back = (text: string): number => NOW - (parseSince(text, NOW) ?? NaN);
  t.is(back('500ms'), 500);
  t.is(back('90s'), 90_000);
  t.is(back('10m'), 600_000);
  t.is(back('10min'), 600_000);
  t.is(back('1.5h'), 5_400_000);
  t.is(back('2d'), 172_800_000);
  t.is(back('12:00'), 1_800_000);
  t.is(back('12:29:59'), 1_000);
  t.is(back('12:31'), 86_340_000, 'not yet today, so yesterday');
  t.is(back('2026-11-21 12:00'), 1_800_000);
  t.is(back('2026-11-21T12:29:59.5Z'), 500);
  t.is(back('2026-11-20'), 129_600_000 + 1_800_000);
  for (const wrong of ['', '10', 'ten', '25:00', '12:60', '2026-13-01', '-5m', '5 m', '2026-11-21 12'])
    t.is(parseSince(wrong, NOW), undefined, wrong);
});

test('the command line becomes a query', (t) => {
  t.deepEqual(eventQuery({}, NOW), {limit: 50});
  t.deepEqual(eventQuery({since: '10m'}, NOW), {since: NOW - 600_000}, 'all events since then');
  t.deepEqual(eventQuery({since: '10m', lines: '5', kind: 'role, peer', subject: 'd2'}, NOW), {
    since: NOW - 600_000,
    kinds: ['role', 'peer'],
    match: 'd2',
    limit: 5,
  });
  for (const wrong of [{since: 'x'}, {kind: 'roles'}, {kind: 'role,'}, {kind: 'toString'}, {lines: '-1'}])
    t.is(t.throws(() => eventQuery(wrong, NOW), {instanceOf: CliError})?.status, 2, JSON.stringify(wrong));
});

test('an event is one line, whatever a script printed', (t) => {
  const line = eventLine(
    {
      v: 1,
      seq: 1,
      wall: NOW + 7,
      mono: 0,
      node: 'd1',
      kind: 'resource',
      level: 'error',
      subject: 'x',
      text: 'apache start\n  ended with 1',
    },
    plain,
  );
  t.is(line, '2026-11-21 12:30:00.007 ! resource  apache start / ended with 1');
});
