/** The rig's programs answer an unknown option with the valid ones. */
import {spawnSync} from 'node:child_process';
import path from 'node:path';
import test from 'ava';

const root = path.resolve(import.meta.dirname, '../..');

for (const [file, known] of [
  ['test/run.ts', '--only'],
  ['test/bench/checks.ts', '--reals'],
  ['test/bench/failover.ts', '--runs'],
  ['test/sim/main.ts', '--seeds'],
] as const)
  test(`${file}: an unknown option is reported with the valid ones, and nothing runs`, (t) => {
    const {status, stdout, stderr} = spawnSync(process.execPath, [path.join(root, file), '--nonsense'], {
      encoding: 'utf8',
    });
    t.is(status, 2, stderr);
    t.is(stdout, '');
    const [wrong = '', options = ''] = stderr.split('\n');
    t.regex(wrong, /--nonsense/);
    t.true(options.includes(known), options);
    t.notRegex(stderr, /^ +at /m, 'no stack trace');
  });
