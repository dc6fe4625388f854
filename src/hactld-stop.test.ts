import {spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test from 'ava';

const hactld = fileURLToPath(new URL('hactld.ts', import.meta.url));

test('told to end before its supervisor has read a line of its program: status 0, and nothing stays', async (t) => {
  const child = spawn(process.execPath, [hactld, '--config-dir', '/nowhere'], {stdio: 'ignore'});
  t.teardown(() => child.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const children = (): string =>
    readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim();
  const end = performance.now() + 30_000;
  while (children() === '' && performance.now() < end)
    // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  const supervisor = children();
  t.not(supervisor, '');
  child.kill('SIGTERM');
  t.is(await ended, 0);
  t.throws(() => process.kill(Number(supervisor), 0), {code: 'ESRCH'});
});
