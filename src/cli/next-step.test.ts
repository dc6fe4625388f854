/** The daemon's errors end with the next command to type. */
import {spawnSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {nextStep} from './next-step.ts';

const root = path.resolve(import.meta.dirname, '../..');

test('every code that a command throws has a next step', (t) => {
  const sources = readdirSync(path.join(root, 'src'), {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name))
    .map((name) => readFileSync(path.join(root, 'src', name), 'utf8'));
  const codes = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/new (?:Command|Control)Error\(\s*'([a-z-]+)'/g)].map(([, code]) => code ?? ''),
    ),
  );
  t.true(codes.size > 15, [...codes].join(' '));
  // Their messages say it themselves.
  const selfExplaining = ['not-separate', 'not-prepared', 'no-file', 'changed'];
  t.deepEqual(
    [...codes].filter((code) => !selfExplaining.includes(code) && nextStep(code, '') === undefined),
    [],
  );
  t.is(nextStep('busy', 'try hactl status'), undefined, 'not repeated');
});

test('without a daemon, hactl says where to look', (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-next-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  const status = (configDir: string) =>
    spawnSync(process.execPath, [path.join(root, 'src/hactl.ts'), '--run-dir', folder, 'status'], {
      encoding: 'utf8',
      env: {...process.env, HACTL_CONFIG_DIR: configDir},
    });
  const bare = status(path.join(folder, 'none'));
  t.is(bare.status, 3);
  t.regex(bare.stderr, /^hactl: no daemon at .*\nnext: hactl init\n$/);
  writeFileSync(path.join(folder, 'ha.cf'), '');
  t.regex(status(folder).stderr, /^hactl: no daemon at .*systemctl status hactld\n$/);
});

test('an error of a command ends with the next command to type', (t) => {
  for (const words of [
    ['init', '--yes', '--no-start'],
    ['invite'],
    ['join', '127.0.0.1', 'NO-TOKEN', '--no-start'],
    ['join', '127.0.0.1', '--no-start'],
    ['doctor'],
    ['import', '/nosuch'],
    ['check-config', '/nosuch'],
    ['realserver', 'plan'],
  ]) {
    const {status, stderr} = spawnSync(process.execPath, [path.join(root, 'src/hactl.ts'), ...words], {
      encoding: 'utf8',
      input: '',
      env: {...process.env, HACTL_CONFIG_DIR: '/nosuch/ha.d'},
    });
    t.not(status, 0, words.join(' '));
    t.regex(stderr, /\nnext: .*\n$/, words.join(' '));
  }
});
