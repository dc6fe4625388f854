import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {openRecentSync} from './driver-recent-sync.ts';

test('believed for a moment, on the same boot, and not without a note', (t) => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'hactl-recent-'));
  let wall = 1_000_000;
  const recently = (): boolean => openRecentSync(dir, () => wall).recent;
  t.false(recently());
  openRecentSync(dir, () => wall).note();
  wall += 14_000;
  t.true(recently());
  wall += 2_000;
  t.false(recently());
  wall -= 20_000;
  t.false(recently(), 'the clock went back');
  writeFileSync(path.join(dir, 'sync-last.json'), JSON.stringify({boot: 'another', wall}));
  t.false(recently());
  writeFileSync(path.join(dir, 'sync-last.json'), 'x');
  t.false(recently());
  rmSync(dir, {recursive: true});
});
