import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {openTrust} from './driver-trust.ts';

test('believed for a moment, on the same boot, and not without a note', (t) => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'hactl-trust-'));
  let wall = 1_000_000;
  const trusted = (): boolean => openTrust(dir, () => wall).trusted;
  t.false(trusted());
  openTrust(dir, () => wall).note();
  wall += 14_000;
  t.true(trusted());
  wall += 2_000;
  t.false(trusted());
  wall -= 20_000;
  t.false(trusted(), 'the clock went back');
  writeFileSync(path.join(dir, 'sync-last.json'), JSON.stringify({boot: 'another', wall}));
  t.false(trusted());
  writeFileSync(path.join(dir, 'sync-last.json'), 'x');
  t.false(trusted());
  rmSync(dir, {recursive: true});
});
