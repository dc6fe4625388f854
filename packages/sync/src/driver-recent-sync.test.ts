import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {openRecentSync} from './driver-recent-sync.ts';

test('a recent note counts for a moment and on the same boot only', (t) => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'hactl-recent-'));
  let now = 1_000_000;
  const recently = (): boolean => openRecentSync(dir, () => now).recent;
  t.false(recently());
  openRecentSync(dir, () => now).note();
  now += 14_000;
  t.true(recently());
  now += 2_000;
  t.false(recently());
  now -= 20_000;
  t.false(recently(), 'a note of a later time');
  writeFileSync(path.join(dir, 'sync-last.json'), JSON.stringify({boot: 'another', at: now}));
  t.false(recently());
  writeFileSync(path.join(dir, 'sync-last.json'), 'x');
  t.false(recently());
  rmSync(dir, {recursive: true});
});

test('a sync process that was stopped on purpose leaves no note', (t) => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'hactl-recent-'));
  const previous = openRecentSync(dir, () => 1_000);
  previous.forget();
  previous.note();
  previous.forget();
  t.false(openRecentSync(dir, () => 1_500).recent);
  rmSync(dir, {recursive: true});
});
