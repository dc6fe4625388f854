/** Feeding the watchdog, with a file instead of the device that records what is written. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {makeWatchdog} from './watchdog.ts';

test('a device is fed, stopped with V, and changed by a reload; a missing one is reported', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-dog-'));
  const [one, other] = [path.join(folder, 'one'), path.join(folder, 'other')];
  for (const file of [one, other]) writeFileSync(file, '');
  const messages: string[] = [];
  const dog = makeWatchdog((text) => messages.push(text), 5);
  t.teardown(() => {
    dog.release();
    rmSync(folder, {recursive: true});
  });
  const text = (file: string): string => readFileSync(file, 'utf8');
  const fed = async (file: string): Promise<void> => {
    const end = performance.now() + 10_000;
    const soFar = text(file).length;
    // oxlint-disable-next-line no-await-in-loop -- it is waited for.
    while (text(file).length < soFar + 3 && performance.now() < end) await new Promise(setImmediate);
  };
  dog.use(one);
  await fed(one);
  t.regex(text(one), /^h{4,}$/);
  dog.use(one);
  t.regex(text(one), /^h+$/, 'the same device again changes nothing');
  dog.use(other);
  await fed(other);
  t.regex(text(one), /^h+V$/);
  t.regex(text(other), /^h+$/);
  dog.release();
  t.regex(text(other), /^h+V$/);
  t.deepEqual(messages, []);
  dog.use(path.join(folder, 'missing'));
  t.regex(messages.join('\n'), /^no watchdog: .*ENOENT/);
});
