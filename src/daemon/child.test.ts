import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {until} from '../../test/lab/until.ts';
import {keepChild} from './child.ts';

const LIMIT = 40_000;

test('a spare is loaded, said to be, and takes the place of the one that dies', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-child-'));
  t.teardown(() => rmSync(folder, {recursive: true}));
  const entry = path.join(folder, 'program.mjs');
  writeFileSync(
    entry,
    "process.on('disconnect', () => process.exit()).on('message', () => process.exit()); process.send(process.pid);",
  );
  const messages: number[] = [];
  const deaths: string[] = [];
  const child = keepChild<object, number>({
    name: 'program',
    entry,
    clock: systemClock,
    onMessage: (pid) => messages.push(pid),
    onDeath: (how) => deaths.push(how),
  });
  t.teardown(() => child.stop({}, LIMIT));
  t.is(child.status().spare, undefined);
  await until('a spare is loaded', LIMIT, () => child.status().spare === 'loaded');
  const {pid, state} = child.status();
  t.is(state, 'running');
  t.deepEqual(messages, [pid ?? 0], 'what a spare says is nobody’s yet');
  process.kill(pid ?? 0, 'SIGKILL');
  await until('the spare is in its place', LIMIT, () => messages.length === 2);
  const now = child.status();
  t.deepEqual(deaths, ['SIGKILL']);
  t.is(now.pid, messages[1]);
  t.is(now.restarts, 1);
  t.is(now.spare, undefined, 'the next one is begun a while later');
});
