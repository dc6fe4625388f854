import {mkdtempSync, readFileSync, rmSync, writeFileSync, statSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {systemClock} from '@hactl/base';
import type {EventDraft, JournalEvent} from '../control/events.ts';
import {keep, makeEvent, parseLines, selectEvents, trim} from './journal.ts';
import {openJournal} from './journal-file.ts';

const draft = (text: string, more: Partial<EventDraft> = {}): EventDraft => ({
  kind: 'check',
  level: 'info',
  subject: 'one',
  text,
  ...more,
});
const event = (seq: number, more: Partial<EventDraft> = {}): JournalEvent =>
  makeEvent(draft(`text ${seq}`, more), {seq, node: 'd1', wall: 1_000 + seq, mono: seq});

test('an event keeps the time it happened, or the time it was recorded if it has none', (t) => {
  t.is(event(5).wall, 1_005);
  const recorded = event(5, {wall: 1_002});
  t.deepEqual([recorded.wall, recorded.mono], [1_002, 2], 'by both clocks');
  t.is(event(5, {text: 'x'.repeat(2_000)}).text.length, 500);
});

test('the list is bounded and keeps the newest events', (t) => {
  const events: JournalEvent[] = [];
  for (let seq = 1; seq <= 95; seq += 1) keep(events, event(seq), 10);
  t.true(events.length < 20);
  t.is(events.at(-1)?.seq, 95);
  t.true((events[0]?.seq ?? 0) <= 86, 'at least ten stay');
});

test('ten thousand failing real servers do not evict the last role change', (t) => {
  const events = [event(1, {kind: 'role'}), event(2), event(3, {kind: 'peer'}), event(4), event(5)];
  const left = (limit: number): number[] => trim(events, limit).map(({seq}) => seq);
  t.deepEqual(left(5), [1, 2, 3, 4, 5]);
  t.deepEqual(left(3), [1, 3, 5]);
  t.deepEqual(left(1), [3], 'without bulk events the oldest are dropped');
  const many: JournalEvent[] = [event(1, {kind: 'role'})];
  for (let seq = 2; seq <= 200; seq += 1) keep(many, event(seq), 10);
  t.true(many.length < 20);
  t.deepEqual([many[0]?.seq, many.at(-1)?.seq], [1, 200]);
});

test('a query filters by kind, text, time, number and limit', (t) => {
  const events = [
    event(1),
    event(2, {kind: 'peer', subject: 'director2'}),
    event(3, {kind: 'role'}),
    event(4),
  ];
  const numbers = (query: Parameters<typeof selectEvents>[1]): number[] =>
    selectEvents(events, query).map(({seq}) => seq);
  t.deepEqual(numbers({}), [1, 2, 3, 4]);
  t.deepEqual(numbers({kinds: ['peer', 'role']}), [2, 3]);
  t.deepEqual(numbers({match: 'DIRECTOR'}), [2]);
  t.deepEqual(numbers({match: 'text 4'}), [4]);
  t.deepEqual(numbers({since: 1_003}), [3, 4]);
  t.deepEqual(numbers({after: 2, limit: 1}), [4]);
  t.deepEqual(numbers({limit: 0}), []);
});

test('damaged lines and other versions are counted and skipped', (t) => {
  const good = JSON.stringify(event(1));
  const {events, refused} = parseLines(
    [
      good,
      good.slice(0, 20),
      '{"v":2}',
      'null',
      JSON.stringify({...event(2), kind: 'nonsense'}),
      JSON.stringify({...event(2), wall: 'late'}),
      // A sequence number that does not increase: a copy.
      good,
      JSON.stringify(event(3)),
      '',
    ].join('\n'),
  );
  t.deepEqual(
    events.map(({seq}) => seq),
    [1, 3],
  );
  t.is(refused, 6);
});

const open = (t: ExecutionContext, stateDir?: string, fileLimit?: number) => {
  const dir = stateDir ?? mkdtempSync(path.join(os.tmpdir(), 'hactl-journal-'));
  if (stateDir === undefined) t.teardown(() => rmSync(dir, {recursive: true}));
  const messages: string[] = [];
  const journal = openJournal({
    clock: systemClock,
    log: (_, text) => messages.push(text),
    node: 'd1',
    stateDir: dir,
    ...(fileLimit === undefined ? {} : {fileLimit}),
  });
  return {dir, journal, said: messages};
};

test('the next daemon reads the last one’s events and continues their numbers', async (t) => {
  const opened = open(t);
  opened.journal.record(draft('first', {kind: 'role'}));
  opened.journal.record(draft('second', {kind: 'role', data: {code: 'x', silence: 3}}));
  await opened.journal.close();
  const file = path.join(opened.dir, 'journal.jsonl');
  t.is(statSync(file).mode & 0o777, 0o600);
  // A crash in the middle of a line.
  writeFileSync(file, `${readFileSync(file, 'utf8')}{"v":1,"seq":3,"wa`);
  const two = open(t, opened.dir);
  // Events recorded before the files are read are numbered after those in them.
  two.journal.record(draft('third'));
  t.is(two.said.length, 0);
  two.journal.open();
  t.is(two.said.length, 1);
  await two.journal.close();
  const three = open(t, opened.dir);
  const {events, last} = await three.journal.answer({});
  t.deepEqual(
    events.map(({seq, text, data}) => [seq, text, data?.silence]),
    [
      [1, 'first', undefined],
      [2, 'second', 3],
      [3, 'third', undefined],
    ],
  );
  t.is(last, 3);
});

test('two files rotate and stay bounded together', async (t) => {
  const opened = open(t);
  for (let round = 0; round < 20; round += 1) {
    const {journal} = open(t, opened.dir, 2_000);
    for (let number = 0; number < 5; number += 1) journal.record(draft(`event ${round * 5 + number}`));
    // oxlint-disable-next-line no-await-in-loop -- daemons follow one another.
    await journal.close();
  }
  const {events} = await open(t, opened.dir, 2_000).journal.answer({});
  t.is(events.at(-1)?.text, 'event 99');
  t.true(events.length > 5 && events.length < 100, `${events.length} events`);
  const seqs = events.map(({seq}) => seq);
  t.deepEqual(
    seqs,
    seqs.map((_, at) => (seqs[0] ?? 0) + at),
    'no gap in the numbers',
  );
});

test('strangers and failing real servers evict no role change, in memory or on disk', async (t) => {
  const opened = open(t, undefined, 2_000);
  opened.journal.record(draft('took over', {kind: 'role'}));
  for (let number = 0; number < 12_000; number += 1)
    opened.journal.record(draft(`noise ${number}`, {kind: number % 2 === 0 ? 'stranger' : 'check'}));
  const texts = async (journal: typeof opened.journal) =>
    (await journal.answer({kinds: ['role']})).events.map(({text}) => text);
  t.deepEqual(await texts(opened.journal), ['took over']);
  for (let round = 0; round < 5; round += 1) {
    const {journal} = open(t, opened.dir, 2_000);
    journal.record(draft(`noise of round ${round}`, {kind: 'stranger'}));
    // oxlint-disable-next-line no-await-in-loop -- daemons follow one another.
    await journal.close();
  }
  await opened.journal.close();
  t.deepEqual(await texts(open(t, opened.dir).journal), ['took over']);
});

test('a client can wait for the next event', async (t) => {
  const {journal} = open(t);
  const news = journal.answer({after: 0, kinds: ['role'], wait: 10_000});
  journal.record(draft('not wanted'));
  journal.record(draft('wanted', {kind: 'role'}));
  t.deepEqual(
    (await news).events.map(({text}) => text),
    ['wanted'],
  );
  const nothing = await journal.answer({after: 2, wait: 1});
  t.deepEqual([nothing.events.length, nothing.last], [0, 2]);
  const held = journal.answer({after: 2, wait: 10_000});
  await journal.close();
  t.is((await held).events.length, 0, 'a stop answers those who wait');
});

test('with an unwritable directory the journal stays in memory', async (t) => {
  const {journal, said} = open(t, '/proc/nowhere');
  journal.record(draft('first'));
  await journal.close();
  t.is((await journal.answer({})).events.length, 1);
  t.regex(said.join('\n'), /cannot write the journal/);
});
