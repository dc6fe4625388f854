/** What another user put into the run or state directory is not believed. */
import {execFileSync} from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
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
import test, {type ExecutionContext} from 'ava';
import {openConfigStore, mendSwaps} from '../configuration/config-store.ts';
import {ownDirectory} from './own-directory.ts';

const folder = (t: ExecutionContext): string => {
  const made = mkdtempSync(path.join(os.tmpdir(), 'hactl-own-'));
  t.teardown(() => rmSync(made, {recursive: true, force: true}));
  return made;
};
const silent = (): void => undefined;
const isRoot = process.getuid?.() === 0;

/** An interrupted push that never was: undoing it writes `victim`. */
const planted = (victim: string): string =>
  JSON.stringify({
    id: '1', wall: 1, side: 'received', peer: 'x', state: 'swapping', text: '',
    files: [], before: [{path: victim, text: 'PWNED', mode: 0o755}],
  }); // prettier-ignore

test('a push record in a directory that everybody could write to undoes nothing', (t) => {
  const directory = folder(t);
  const victim = path.join(folder(t), 'victim');
  const config = path.join(directory, 'config');
  mkdirSync(config);
  chmodSync(config, 0o777);
  const record = path.join(config, 'push-00000000000001-1.json');
  writeFileSync(record, planted(victim));
  if (isRoot) chownSync(record, 65_534, 65_534);
  else chmodSync(record, 0o666);
  const log: string[] = [];
  t.is(
    ownDirectory(directory, ['config'], (_, text) => log.push(text)),
    undefined,
  );
  mendSwaps(openConfigStore(directory));
  t.false(existsSync(victim));
  t.is(statSync(config).mode & 0o777, 0o755);
  t.deepEqual(readdirSync(config), ['push-00000000000001-1.json.not-ours']);
  t.is(log.length, 2, log.join('\n'));
});

test('links, FIFOs and files that others can change are moved aside; ours stay', (t) => {
  const directory = folder(t);
  const target = path.join(folder(t), 'target');
  writeFileSync(target, 'precious');
  symlinkSync(target, path.join(directory, 'hactld.lock'));
  symlinkSync(target, path.join(directory, 'journal.jsonl'));
  execFileSync('mkfifo', [path.join(directory, 'failover-state.json')]);
  writeFileSync(path.join(directory, 'orders.json'), '{}');
  chmodSync(path.join(directory, 'orders.json'), 0o660);
  writeFileSync(path.join(directory, 'names.json'), '{}', {mode: 0o600});
  mkdirSync(path.join(directory, 'drills'));
  t.is(ownDirectory(directory, [], silent), undefined);
  t.deepEqual(readdirSync(directory).toSorted(), [
    'drills',
    'failover-state.json.not-ours',
    'hactld.lock.not-ours',
    'journal.jsonl.not-ours',
    'names.json',
    'orders.json.not-ours',
  ]);
  t.is(readFileSync(target, 'utf8'), 'precious');
  // Once is enough.
  t.is(
    ownDirectory(directory, [], () => t.fail()),
    undefined,
  );
});

test('a directory that other programs share is refused and left as it is', (t) => {
  const before = statSync(os.tmpdir()).mode;
  t.regex(
    ownDirectory(os.tmpdir(), [], () => t.fail()) ?? '',
    /is for everybody: give hactld a directory of its own/,
  );
  t.is(statSync(os.tmpdir()).mode, before);
});

test('a tmpfs that was mounted without a mode is made ours', (t) => {
  const directory = folder(t);
  chmodSync(directory, 0o1777);
  symlinkSync('/nowhere', path.join(directory, 'x'));
  t.is(ownDirectory(directory, [], silent), undefined);
  t.is(statSync(directory).mode & 0o7777, 0o755);
  t.deepEqual(readdirSync(directory), ['x.not-ours']);
});

test('a subdirectory that is a link is not followed', (t) => {
  const directory = folder(t);
  const elsewhere = folder(t);
  symlinkSync(elsewhere, path.join(directory, 'config'));
  t.is(ownDirectory(directory, ['config'], silent), undefined);
  t.deepEqual(readdirSync(directory), ['config.not-ours']);
});

test("another user's directory becomes ours", (t) => {
  const directory = folder(t);
  if (!isRoot) {
    t.log('only root can give a directory away: not tried');
    t.pass();
    return;
  }
  chownSync(directory, 65_534, 65_534);
  writeFileSync(path.join(directory, 'names.json'), '{}');
  chownSync(path.join(directory, 'names.json'), 65_534, 65_534);
  t.is(ownDirectory(directory, [], silent), undefined);
  t.is(statSync(directory).uid, 0);
  t.deepEqual(readdirSync(directory), ['names.json.not-ours']);
});
