import {spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {until} from '../test/lab/until.ts';

const hactld = fileURLToPath(new URL('hactld.ts', import.meta.url));

test('SIGTERM before the supervisor has loaded: status 0, and no process stays', async (t) => {
  const child = spawn(process.execPath, [hactld, '--config-dir', '/nowhere'], {stdio: 'ignore'});
  t.teardown(() => child.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const supervisor = await until(
    'the supervisor has a process',
    30_000,
    () => Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1')) || undefined,
    2,
  );
  child.kill('SIGTERM');
  t.is(await ended, 0);
  t.throws(() => process.kill(supervisor, 0), {code: 'ESRCH'});
});
