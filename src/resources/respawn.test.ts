/** Respawned programs: restarted, given up, stopped. */
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import {systemClock} from '@hactl/base';
import test, {type ExecutionContext} from 'ava';
import {findUser} from '../system/users.ts';
import {afterEnd, keepRespawns} from './respawn.ts';
import {until} from '../../test/lab/until.ts';

const span = {file: 'ha.cf', start: 0, end: 0};
const user = os.userInfo().username;

test('restarted after any exit status but 100, at most ten times in thirty seconds', (t) => {
  t.is(afterEnd([], 100, 0).next, 'done');
  let starts: readonly number[] = [];
  for (let at = 1; at <= 10; at += 1) {
    const after = afterEnd(starts, at % 2 === 0 ? 0 : 'SIGSEGV', at * 1_000);
    t.is(after.next, 'start');
    ({starts} = after);
  }
  t.is(afterEnd(starts, 1, 11_000).next, 'too-fast');
  t.is(afterEnd(starts, 1, 31_500).next, 'start');
});

test('users are looked up in /etc/passwd', (t) => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nhacluster:x:109:113::/var/lib/heartbeat:/bin/false\n';
  t.deepEqual(findUser('hacluster', passwd), {
    name: 'hacluster',
    uid: 109,
    gid: 113,
    home: '/var/lib/heartbeat',
  });
  t.is(findUser('hacl', passwd), undefined);
});

function keep(t: ExecutionContext, script: string, failfast = false) {
  const root = mkdtempSync(`${os.tmpdir()}/hactl-respawn-`);
  const file = `${root}/program`;
  writeFileSync(file, `#!/bin/sh\necho "$1" >> ${root}/starts\n${script}\n`, {mode: 0o755});
  const messages: string[] = [];
  const fast: string[] = [];
  const respawns = keepRespawns({
    clock: systemClock,
    log: (level, message) => messages.push(`${level} ${message.replaceAll(root, '')}`),
    failedFast: (reason) => fast.push(reason),
  });
  t.teardown(async () => {
    await respawns.stop();
    rmSync(root, {recursive: true, force: true});
  });
  const line = {span, user, command: [file, 'argument'], failfast};
  respawns.configure([line]);
  const starts = (): string[] =>
    existsSync(`${root}/starts`) ? readFileSync(`${root}/starts`, 'utf8').trim().split('\n') : [];
  return {respawns, line, said: messages, fast, starts, root};
}

test('not started before the pair communicates; restarted ten times, then left alone; a reload retries', async (t) => {
  const program = keep(t, 'exit 3');
  t.deepEqual(program.starts(), []);
  program.respawns.up();
  await until('given up', 20_000, () => program.said.some((line) => line.startsWith('error')));
  t.is(program.starts().length, 11);
  t.is(program.starts()[0], 'argument');
  t.regex(program.said.at(-1) ?? '', /^error respawn \/program … ended with 3: respawning too fast/);
  program.respawns.configure([program.line]);
  await until('another start', 20_000, () => program.starts().length > 11);
});

test('exit status 100 is not restarted', async (t) => {
  const program = keep(t, 'exit 100');
  program.respawns.up();
  await until('done', 20_000, () => program.said.some((line) => line.includes('not restarted')));
  t.is(program.starts().length, 1);
});

test('it stops with the director, and when its line is removed', async (t) => {
  const program = keep(t, 'sleep 1000 & echo $! > $(dirname $0)/child; wait');
  const alive = (): boolean =>
    existsSync(`/proc/${readFileSync(`${program.root}/child`, 'utf8').trim()}/exe`);
  program.respawns.up();
  await until('started', 20_000, () => existsSync(`${program.root}/child`) && alive());
  program.respawns.configure([program.line]);
  t.true(alive());
  program.respawns.configure([]);
  await until('ended', 20_000, () => !alive());
  t.is(program.starts().length, 1);
});

test('the end of a failfast program is reported', async (t) => {
  const program = keep(t, '[ -e $(dirname $0)/again ] && exit 100; touch $(dirname $0)/again; exit 7', true);
  program.respawns.up();
  await until('done', 20_000, () => program.said.some((line) => line.includes('not restarted')));
  t.is(program.fast.length, 1);
  t.regex(program.fast[0] ?? '', /ended with 7$/);
});
