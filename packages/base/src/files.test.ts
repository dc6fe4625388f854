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
