import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {appendLater, openToAppend, replaceFile, replaceFileLater} from './files.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-files-'));
test.after.always(() => rmSync(folder, {recursive: true, force: true}));

for (const [name, replace] of [
  ['at once', replaceFile],
  ['later', replaceFileLater],
] as const) {
  test(`a file is replaced ${name}, keeps its mode, and leaves no temporary file`, async (t) => {
    const file = path.join(folder, name);
    writeFileSync(file, 'old', {mode: 0o644});
    await replace(file, 'new', 0o600);
    t.is(readFileSync(file, 'utf8'), 'new');
    t.is(statSync(file).mode & 0o777, 0o600);
    t.deepEqual(
      readdirSync(folder).filter((entry) => entry.startsWith(`${name}.`)),
      [],
    );
  });

  test(`a file that cannot be replaced ${name} is unchanged`, async (t) => {
    const file = path.join(folder, 'no such directory', name);
    await t.throwsAsync(async () => replace(file, 'new', 0o600), {code: 'ENOENT'});
  });
}

test('a link is appended to where this user placed it, not where another one did', async (t) => {
  const target = path.join(folder, 'target');
  const link = path.join(folder, 'link');
  writeFileSync(target, 'old ');
  symlinkSync(target, link);
  await appendLater(link, 'mine ', 0o600);
  t.is(readFileSync(target, 'utf8'), 'old mine ');
  if (process.getuid?.() !== 0) {
    t.log('not root: nobody can be given the link');
    return;
  }
  // Where the kernel would follow it: no sticky bit.
  chmodSync(folder, 0o777);
  lchownSync(link, 65_534, 65_534);
  await t.throwsAsync(appendLater(link, 'planted', 0o600), {code: 'ELOOP'});
  t.throws(() => openToAppend(link, 0o600), {code: 'ELOOP'});
  t.is(readFileSync(target, 'utf8'), 'old mine ');
});

test('a FIFO that nobody reads is an error, not a wait', async (t) => {
  const file = path.join(folder, 'fifo');
  t.is(spawnSync('mkfifo', [file]).status, 0);
  // As many as there are threads for files: each would keep one.
  for (let turns = 0; turns < 5; turns += 1)
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    await t.throwsAsync(appendLater(file, 'text', 0o600), {code: 'ENXIO'});
});
