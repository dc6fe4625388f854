import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {replaceFile, replaceFileLater} from './files.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-files-'));
test.after.always(() => rmSync(folder, {recursive: true, force: true}));

for (const [name, replace] of [
  ['at once', replaceFile],
  ['later', replaceFileLater],
] as const) {
  test(`a file is replaced ${name}, with its mode, and nothing stays beside it`, async (t) => {
    const place = path.join(folder, name);
    writeFileSync(place, 'old', {mode: 0o644});
    await replace(place, 'new', 0o600);
    t.is(readFileSync(place, 'utf8'), 'new');
    t.is(statSync(place).mode & 0o777, 0o600);
    t.deepEqual(
      readdirSync(folder).filter((entry) => entry.startsWith(`${name}.`)),
      [],
    );
  });

  test(`a file that cannot be replaced ${name} stays as it was`, async (t) => {
    const place = path.join(folder, 'no such directory', name);
    await t.throwsAsync(async () => replace(place, 'new', 0o600), {code: 'ENOENT'});
  });
}
