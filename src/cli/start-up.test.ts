/** hactl loads only what the command needs: on a small or busy machine loading is most of its run time. */
import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const hactl = fileURLToPath(new URL('../hactl.ts', import.meta.url));

/** Writes the address of every module to the file descriptor 3. */
const recorder = `data:text/javascript,${encodeURIComponent(`
import {writeSync} from 'node:fs';
import {registerHooks} from 'node:module';
registerHooks({load: (url, context, next) => (writeSync(3, url + '\\n'), next(url, context))});
`)}`;

/** The modules that a command loads, and how it ended. */
function loads(...words: string[]): {status: number | null; modules: string[]} {
  const {status, output} = spawnSync(process.execPath, ['--import', recorder, hactl, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const modules = (output[3] ?? '').trim().split('\n');
  return {status, modules: modules.filter((url) => !url.startsWith('node:'))};
}

const native = /\/(koffi|netlink|packages\/net|packages\/ipvs)\//;
const daemon = /\/(src\/(daemon|configuration\/configuration)|packages\/(failover|checks|sync))\//;
const parsers = /\/packages\/config\//;

const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-start-'));
test.after.always(() => rmSync(folder, {recursive: true, force: true}));

for (const [words, expected] of [
  [['--version'], 0],
  [['--help'], 0],
  [['--run-dir', folder, 'status'], 3],
  [['--run-dir', folder, 'plan'], 3],
  [['--run-dir', folder, 'config', 'history'], 3],
] as const)
  test(`hactl ${words.filter((word) => word !== folder).join(' ')}: loads no parser, no netlink, and no daemon code`, (t) => {
    const {status, modules} = loads(...words);
    t.is(status, expected);
    t.true(modules.some((url) => url.endsWith('/src/hactl.ts')));
    t.deepEqual(
      modules.filter((url) => native.test(url) || daemon.test(url) || parsers.test(url)),
      [],
    );
  });

test('hactl check-config loads the parsers, and no netlink', (t) => {
  const file = path.join(folder, 'ldirectord.cf');
  writeFileSync(file, 'checktimeout=5\n');
  const {status, modules} = loads('check-config', file);
  t.is(status, 0);
  t.true(modules.some((url) => parsers.test(url)));
  t.deepEqual(
    modules.filter((url) => native.test(url)),
    [],
  );
});
