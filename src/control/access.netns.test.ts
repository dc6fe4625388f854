/** Who may use the control sockets, tried by processes that dropped root. Needs root, which netns tests have. */
import {execFile} from 'node:child_process';
import {mkdtempSync, rmSync, statSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {groupId, openControl, readOnly} from './access.ts';
import type {Command} from './protocol.ts';

const run = promisify(execFile);
const asker = fileURLToPath(new URL('asker.fixture.ts', import.meta.url));
const done = {ok: true, changes: [], diagnostics: []};
/** Groups without members. */
const [ADMIN, READ, OTHER] = [61_001, 61_002, 61_003];

async function start(t: ExecutionContext) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-access-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  const asked: string[] = [];
  const control = await openControl(folder, async ({command}) => {
    asked.push(command);
    return done;
  });
  t.teardown(() => control.close());
  const as = async (
    gid: number,
    command: string,
  ): Promise<{result?: object; code?: string; message?: string}> => {
    const {stdout} = await run(process.execPath, [asker, folder, String(gid), command]);
    return JSON.parse(stdout) as {result?: object; code?: string; message?: string};
  };
  return {folder, asked, control, as};
}

test('the admin group may do everything, the read group may only read, others nothing', async (t) => {
  const server = await start(t);
  t.deepEqual(await server.control.configure({adminGroup: String(ADMIN), readGroup: String(READ)}), []);
  t.deepEqual(await server.as(ADMIN, 'reload'), {result: done});
  t.deepEqual(await server.as(READ, 'status'), {result: done});
  const refused = await server.as(READ, 'reload');
  t.is(refused.code, 'not-permitted');
  t.regex(
    refused.message ?? '',
    /your group may look only; reload needs root or the group of hactl_admin_group/,
  );
  const stranger = await server.as(OTHER, 'status');
  t.is(stranger.code, 'no-permission');
  t.regex(stranger.message ?? '', /run hactl as root/);
  t.deepEqual(server.asked, ['reload', 'status']);
  t.is(statSync(server.folder).mode & 0o777, 0o711, 'nobody else can list the directory');
});

test('without groups, and after they are removed, only root has access', async (t) => {
  const server = await start(t);
  t.is((await server.as(READ, 'status')).code, 'no-permission');
  await server.control.configure({adminGroup: String(ADMIN), readGroup: String(READ)});
  t.deepEqual(await server.as(READ, 'status'), {result: done});
  await server.control.configure({});
  t.is((await server.as(READ, 'status')).code, 'no-permission');
  t.is((await server.as(ADMIN, 'status')).code, 'no-permission');
});

test('an unknown group is reported and grants nobody access', async (t) => {
  const server = await start(t);
  const problems = await server.control.configure({adminGroup: 'no-such-group', readGroup: 'nor-this-one'});
  t.deepEqual(problems, [
    'there is no group no-such-group: it cannot use hactl',
    'there is no group nor-this-one: it cannot use hactl',
  ]);
  t.is(statSync(path.join(server.folder, 'control-read.sock')).mode & 0o777, 0o600);
  t.is((await server.as(OTHER, 'status')).code, 'no-permission');
});

test('groups by name and by number', async (t) => {
  t.is(await groupId('root'), 0);
  t.is(await groupId('4711'), 4711);
  t.is(await groupId('no-such-group'), undefined);
});

test('the read socket refuses commands that change something, unknown ones included', async (t) => {
  const answer = readOnly(() => Promise.resolve(done));
  t.is(await answer({command: 'status'}), done);
  for (const command of ['reload', 'resync', 'move', 'order', 'something-new'])
    await t.throwsAsync(answer({command} as Command), {message: /^your group may look only/}, command);
});
