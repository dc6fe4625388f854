import {spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {until} from '../../test/lab/until.ts';
import {openLogFile} from './log-file.ts';

const LIMIT = 20_000;
const folder = (t: ExecutionContext): string => {
  const made = mkdtempSync(path.join(os.tmpdir(), 'hactl-log-'));
  t.teardown(() => rmSync(made, {recursive: true, force: true}));
  return made;
};
const text = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

test('a file is readable by root and its group, whatever the umask', async (t) => {
  const before = process.umask(0);
  t.teardown(() => process.umask(before));
  const file = path.join(folder(t), 'ha.log');
  const log = openLogFile(file, {changed: () => undefined});
  log.append('one');
  await until('it is written', LIMIT, () => text(file) === 'one\n');
  t.is(statSync(file).mode & 0o777, 0o640);
  log.close();
});

test('after a rename the old file goes on until it is opened again', async (t) => {
  const file = path.join(folder(t), 'ha.log');
  const log = openLogFile(file, {changed: () => undefined});
  log.append('one');
  await until('one', LIMIT, () => text(file) === 'one\n');
  renameSync(file, `${file}.1`);
  log.reopen();
  log.append('two');
  await until('two', LIMIT, () => text(file) === 'two\n');
  t.is(text(`${file}.1`), 'one\n');
  log.close();
});

test('a file that cannot be opened is reported once, retried, and then gets every line', async (t) => {
  const file = path.join(folder(t), 'missing', 'ha.log');
  const messages: (string | undefined)[] = [];
  const log = openLogFile(file, {retry: 20, changed: (problem) => messages.push(problem)});
  log.append('one');
  log.append('two');
  await until('it is reported', LIMIT, () => messages.length === 1);
  mkdirSync(path.dirname(file));
  await until('it is written', LIMIT, () => text(file) === 'one\ntwo\n');
  await until('the end of the problem is reported', LIMIT, () => messages.length === 2);
  t.deepEqual(messages, ['ENOENT', undefined]);
  log.close();
});

test('opened again in the middle of a write: what follows is in the new file, what was written is in the old one', async (t) => {
  const file = path.join(folder(t), 'ha.log');
  const log = openLogFile(file, {changed: () => undefined});
  log.append('one');
  // The write has started; its completion is only reported in the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  while (text(file) !== 'one\n');
  renameSync(file, `${file}.1`);
  log.reopen();
  log.append('two');
  await until('two', LIMIT, () => text(file) === 'two\n');
  t.is(text(`${file}.1`), 'one\n');
  log.close();
});

test('a FIFO that nobody reads in the log’s place keeps nobody waiting', async (t) => {
  const file = path.join(folder(t), 'ha.log');
  t.is(spawnSync('mkfifo', [file]).status, 0);
  const messages: (string | undefined)[] = [];
  const log = openLogFile(file, {retry: 20, changed: (problem) => messages.push(problem)});
  log.append('one');
  await until('it is reported', LIMIT, () => messages.length === 1);
  rmSync(file);
  await until('it is written', LIMIT, () => text(file) === 'one\n');
  await until('the end of the problem is reported', LIMIT, () => messages.length === 2);
  t.deepEqual(messages, ['ENXIO', undefined]);
  log.close();
});

test('a full file system is reported once, and lost lines are counted', async (t) => {
  const messages: (string | undefined)[] = [];
  const log = openLogFile('/dev/full', {retry: 20, changed: (problem) => messages.push(problem)});
  for (let index = 0; index < 40; index += 1) log.append('x'.repeat(60_000));
  await until('it is reported', LIMIT, () => messages.length > 0);
  t.deepEqual(messages, ['ENOSPC']);
  log.close();
});

test('five files at most, the newest without a number', async (t) => {
  const dir = folder(t);
  const log = openLogFile(path.join(dir, 'ha.log'), {sizeMax: 10, changed: () => undefined});
  for (let index = 0; index < 8; index += 1) {
    log.append(`line number ${index}`);
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    await until('it is written', LIMIT, () => text(path.join(dir, 'ha.log')).includes(`number ${index}`));
  }
  t.deepEqual(readdirSync(dir).toSorted(), ['ha.log', 'ha1.log', 'ha2.log', 'ha3.log', 'ha4.log']);
  t.is(text(path.join(dir, 'ha4.log')), 'line number 3\n');
  log.close();
});

test('what waits is written at the end', (t) => {
  const file = path.join(folder(t), 'ha.log');
  const log = openLogFile(file, {changed: () => undefined});
  log.append('one');
  log.append('last words');
  log.close();
  t.regex(text(file), /last words\n$/);
});
