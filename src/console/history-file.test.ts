import {mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {decodeHistory, encodeHistory, openHistoryFile} from './history-file.ts';
import {snapshot} from '../control/snapshot.fixture.ts';
import type {Daemon} from './daemon.ts';
import {noHistory, plot, record, type History} from './history.ts';
import {openLive} from './live.ts';

const folderOf = (t: ExecutionContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'hactl-history-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  return folder;
};
/** A day of one service and its server. */
const aDay = (): History => {
  let history = noHistory;
  for (let minute = 0; minute < 24 * 60; minute += 1)
    history = record(history, new Map([['vip', minute], ['vip real', 2 * minute]]), minute * 60_000); // prettier-ignore
  return history;
};

test('hour and day survive a round trip, seconds are not stored', (t) => {
  const history = aDay();
  const back = decodeHistory(encodeHistory(history));
  t.deepEqual(back, {...history, now: []});
  t.deepEqual(plot(back, 'day', ['vip real']), plot(history, 'day', ['vip real']));
});

test('a missing, truncated or foreign file gives an empty history, and the next save replaces it', (t) => {
  const folder = folderOf(t);
  const store = openHistoryFile(folder);
  const file = path.join(folder, 'history.json');
  t.deepEqual(store.load(), noHistory);
  store.save(aDay());
  const good = readFileSync(file, 'utf8');
  t.is(statSync(file).mode & 0o777, 0o600);
  for (const text of [
    '',
    good.slice(0, good.length / 2),
    'null',
    '[]',
    '{"version":2,"series":[],"hour":[],"day":[]}',
    '{"version":1,"series":["a"],"hour":[[0,7,1,1]],"day":[]}',
    '{"version":1,"series":["a"],"hour":[[0,0,"x",1]],"day":[]}',
    '{"version":1,"series":["a"],"hour":[[0,0,1]],"day":[]}',
    '{"version":1,"series":[1],"hour":[],"day":[]}',
  ]) {
    writeFileSync(file, text);
    t.deepEqual(store.load(), noHistory, text.slice(0, 60));
  }
  store.save(aDay());
  t.is(readFileSync(file, 'utf8'), good);
});

test('a file with more points than a ring holds is trimmed to the newest', (t) => {
  const hour = Array.from({length: 1_000}, (_, at) => [at * 10, 0, 1, 1]);
  const back = decodeHistory(JSON.stringify({version: 1, series: ['a'], hour, day: []}));
  t.is(back.hour.length, 360);
  t.is(back.hour.at(-1)?.time, 9_990);
});

test('a restarted console continues its plots', async (t) => {
  const store = openHistoryFile(folderOf(t));
  const daemon = {status: async () => snapshot} as unknown as Daemon;
  const open = () => openLive(daemon, () => 600_000, () => undefined, store); // prettier-ignore
  const first = open();
  await first.look();
  const {hour} = first.history();
  first.stop();
  t.true(hour.length > 0);
  const second = open();
  t.teardown(() => second.stop());
  t.deepEqual(second.history().hour, hour);
});
