import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {until} from '../../test/lab/until.ts';
import {trackScripts} from './track-scripts.ts';

test('a script that fails, passes again, hangs, or is missing is counted', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-track-'));
  const messages: string[] = [];
  let lost = -1;
  const tracker = trackScripts(
    (_, text) => void messages.push(text),
    (count) => (lost = count),
  );
  t.teardown(() => {
    tracker.stop();
    rmSync(folder, {recursive: true});
  });
  const flag = path.join(folder, 'flag');
  tracker.configure([{every: 1_000, words: ['/bin/sh', '-c', `test ! -e ${flag}`]}]);
  t.is(lost, 0);
  writeFileSync(flag, '');
  await until('it fails', 20_000, () => lost === 1);
  t.regex(messages.join('\n'), /ended with 1/);
  rmSync(flag);
  await until('it passes again', 20_000, () => lost === 0);
  tracker.configure([
    {every: 200, words: ['/bin/sh', '-c', 'sleep 60']},
    {every: 200, words: [path.join(folder, 'nothing')]},
  ]);
  await until('both fail', 10_000, () => lost === 2);
  t.regex(messages.join('\n'), /no answer within its interval/);
  t.regex(messages.join('\n'), /ENOENT/);
});
