import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {isSharedName, overlay, readConfigFile, replaceFiles, sharedName, unchanged} from './config-files.ts';
import {mendSwaps, openConfigStore, VERSIONS_KEPT, type PushRecord} from './config-store.ts';

const directory = (t: ExecutionContext): string => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'hactl-store-'));
  t.teardown(() => rmSync(dir, {recursive: true}));
  return dir;
};

test('the last ten versions are kept, readable by root only, and an unchanged one is not kept twice', (t) => {
  const dir = directory(t);
  const store = openConfigStore(dir);
  for (const text of ['0', '0', ...Array.from({length: 12}, (_, at) => String(at + 1))])
    store.keep({wall: 1, why: 'reload', digest: '', files: [{path: '/x/ha.cf', text, mode: 0o644}]});
  const numbers = store.versions().map(({number, files}) => [number, files[0]?.text]);
  t.is(numbers.length, VERSIONS_KEPT);
  t.deepEqual(numbers[0], [4, '3']);
  t.deepEqual(numbers.at(-1), [13, '12']);
  t.is(statSync(path.join(dir, 'config/version-000013.json')).mode & 0o777, 0o600);
  t.is(statSync(path.join(dir, 'config')).mode & 0o777, 0o700);
});

const record = (more: Partial<PushRecord>): PushRecord => ({
  id: 'a1',
  wall: 5,
  side: 'received',
  peer: 'two',
  state: 'prepared',
  text: '',
  files: [],
  before: [],
  ...more,
});

test('a swap interrupted by a crash is undone at the next start and reported once', (t) => {
  const dir = directory(t);
  const [one, two] = [path.join(dir, 'ha.cf'), path.join(dir, 'web.cf')];
  writeFileSync(one, 'new');
  writeFileSync(two, 'came with the push');
  const store = openConfigStore(dir);
  store.note(
    record({
      state: 'swapping',
      before: [
        {path: one, text: 'old', mode: 0o644},
        {path: two, mode: 0o644},
      ],
    }),
  );
  t.regex(mendSwaps(store).join(), /push a1 from two was interrupted.*restored/);
  t.is(readFileSync(one, 'utf8'), 'old');
  t.false(existsSync(two));
  t.deepEqual(mendSwaps(store), []);
  t.deepEqual(
    store.pushes().map(({state, before}) => [state, before]),
    [['undone', []]],
  );
});

test('a push that was only prepared or requested leaves the files alone', (t) => {
  const store = openConfigStore(directory(t));
  store.note(record({}));
  store.note(record({id: 'b2', wall: 6, side: 'sent', state: 'asked'}));
  t.is(mendSwaps(store).length, 2);
  t.deepEqual(
    store.pushes().map(({state}) => state),
    ['failed', 'unknown'],
  );
});

test('files are validated before they are written, and replaced with their modes', (t) => {
  const dir = directory(t);
  const keys = path.join(dir, 'authkeys');
  writeFileSync(keys, 'old');
  const files = [
    {path: keys, text: 'new', mode: 0o600},
    {path: path.join(dir, 'conf/a.cf'), text: 'a', mode: 0o640},
  ];
  t.like(overlay(files)(keys), {text: 'new', mode: 0o600});
  t.is(overlay([])(keys)?.text, 'old');
  t.false(unchanged(files));
  replaceFiles(files);
  t.true(unchanged(files));
  t.is(readConfigFile(keys).mode, 0o600);
  t.is(readConfigFile(path.join(dir, 'conf/a.cf')).mode, 0o640);
  t.deepEqual(readConfigFile(path.join(dir, 'none')), {path: path.join(dir, 'none'), mode: 0o644});
});

test('a link stays a link: its target is replaced', (t) => {
  const dir = directory(t);
  const [real, link] = [path.join(dir, 'real.cf'), path.join(dir, 'web.cf')];
  writeFileSync(real, 'old');
  symlinkSync(real, link);
  replaceFiles([{path: link, text: 'new', mode: 0o640}]);
  t.true(lstatSync(link).isSymbolicLink());
  t.is(readFileSync(real, 'utf8'), 'new');
});

test('which files the peer may write', (t) => {
  for (const name of ['ha.cf', 'conf/web.cf', 'web-1.cf', 'a+b@c_d.cf']) t.true(isSharedName(name), name);
  for (const name of [
    '',
    '.',
    '..',
    '../passwd',
    'conf/../../x',
    '/etc/passwd',
    'a//b',
    './a',
    'resource.d/x',
    'rc.d/x',
    'a b',
    'a\nb',
    'a/',
    'x'.repeat(300),
  ])
    // prettier-ignore
    t.false(isSharedName(name), JSON.stringify(name));
  t.is(sharedName('/etc/ha.d/conf/a.cf', '/etc/ha.d'), 'conf/a.cf');
  t.is(sharedName('/etc/other/a.cf', '/etc/ha.d'), undefined);
});
