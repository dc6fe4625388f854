import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {lockFolder} from './apt.ts';

/** Tries to lock the folder in another process; prints the result. */
const rival = (folder: string, made: string) =>
  spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import {existsSync} from 'node:fs';
       import {lockFolder} from ${JSON.stringify(path.join(import.meta.dirname, 'apt.ts'))};
       console.log('asks');
       console.log(lockFolder(${JSON.stringify(folder)}, () => existsSync(${JSON.stringify(made)})) ? 'took' : 'found');`,
    ],
    {stdio: ['ignore', 'pipe', 'inherit']},
  );

test('a process waits while another one builds the tree', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-lock-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const made = path.join(folder, 'made');
  const unlock = lockFolder(folder, () => existsSync(made));
  t.truthy(unlock);
  const child = rival(folder, made);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child.stdout, 'data');
  t.is(output, 'asks\n');
  writeFileSync(made, '');
  unlock?.();
  await once(child, 'close');
  t.is(output, 'asks\nfound\n');
});

test('what was finished between the look and the lock is found, and the lock left', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-lock-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  let looks = 0;
  t.is(
    lockFolder(folder, () => ++looks > 1),
    undefined,
  );
  t.false(existsSync(path.join(folder, 'lock')));
});

test('a stale lock of a dead process is taken over', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-lock-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const gone = rival(folder, path.join(folder, 'made'));
  await once(gone, 'close');
  t.true(existsSync(path.join(folder, 'lock')));
  t.truthy(lockFolder(folder, () => false));
});
