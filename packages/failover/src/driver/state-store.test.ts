import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {incarnationAfter} from '../replay.ts';
import {openStateStore} from './state-store.ts';

const WALL = 1_790_000_000_000;

function folderOf(t: ExecutionContext): {readonly folder: string; readonly file: string} {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-state-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  return {folder, file: path.join(folder, 'failover-state.json')};
}
const open = (folder: string, problems: string[] = []) =>
  openStateStore(folder, WALL, (problem) => problems.push(problem));

test('incarnations increase even if the wall clock does not', (t) => {
  const {folder} = folderOf(t);
  t.is(open(folder).nextIncarnation(), BigInt(WALL));
  t.is(open(folder).nextIncarnation(), incarnationAfter(BigInt(WALL)));
});

test('a wall clock that was set back by years costs neither the own incarnation nor the peer’s', async (t) => {
  const {folder} = folderOf(t);
  const ahead = open(folder);
  ahead.nextIncarnation();
  ahead.save([['d2', {incarnation: BigInt(WALL) + 5n, sequence: 3n}]]);
  await ahead.written();
  for (const wall of [Date.UTC(2025, 2), 0]) {
    const back = openStateStore(folder, wall, () => undefined);
    t.true(back.nextIncarnation() > BigInt(WALL), String(wall));
    t.deepEqual(back.seen('d2'), {incarnation: BigInt(WALL) + 5n, sequence: 3n});
  }
});

test('an incarnation remembered during a save is not lost', async (t) => {
  const {folder, file} = folderOf(t);
  const store = open(folder);
  store.nextIncarnation();
  for (let round = 0n; round < 20n; round += 1n) {
    store.save([['d2', {incarnation: 7n, sequence: round}]]);
    store.rememberOwn(BigInt(WALL) + 100n + round);
  }
  await store.written();
  t.deepEqual(JSON.parse(readFileSync(file, 'utf8')), {incarnation: String(WALL + 119), peers: {d2: '7.19'}});
});

test('a poisoned or damaged file is repaired and locks no director out', (t) => {
  const {folder, file} = folderOf(t);
  for (const text of [
    '{"incarnation":"18446744073709551626","peers":{"d2":"18446744073709551615.3"}}',
    '{"incarnation":"-5","peers":{"d2":"x.y"}}',
    '{"incarnation":7,"peers":[]}',
    'null',
    '{"incarn',
  ]) {
    writeFileSync(file, text);
    const store = open(folder);
    t.is(store.nextIncarnation(), BigInt(WALL), text);
    t.deepEqual(store.seen('d2'), {incarnation: 0n, sequence: 0n}, text);
  }
});

test('with an unwritable directory the store works in memory, and reports it once', async (t) => {
  const {folder} = folderOf(t);
  const problems: string[] = [];
  const store = open(path.join(folder, 'missing'), problems);
  t.is(store.nextIncarnation(), BigInt(WALL));
  store.save([['d2', {incarnation: 7n, sequence: 1n}]]);
  await store.written();
  t.is(problems.length, 1);
  t.regex(problems[0] ?? '', /cannot write .*failover-state\.json: .*ENOENT/);
});
