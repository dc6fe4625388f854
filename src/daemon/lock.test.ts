/** A second hactld on the same directories is refused with the pid of the first, which is unaffected. */
import {spawn, spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {until} from '../../test/lab/until.ts';

const hactld = fileURLToPath(new URL('../hactld.ts', import.meta.url));

test('the second hactld on a run or state directory is refused, and the first goes on', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-lock-'));
  const file = path.join(root, 'ldirectord.cf');
  writeFileSync(file, 'checktimeout=5\n');
  const words = (run: string, state: string): string[] => [
    hactld, '--ldirectord', file, '--run-dir', path.join(root, run), '--state-dir', path.join(root, state),
  ]; // prettier-ignore
  const first = spawn(process.execPath, words('run', 'state'), {stdio: ['ignore', 'ignore', 'pipe']});
  t.teardown(() => {
    first.kill('SIGKILL');
    rmSync(root, {recursive: true, force: true});
  });
  const socket = path.join(root, 'run/control.sock');
  /** An inode number may be reused, and the change time moves with the chmod after the bind: this one is the bind's. */
  const made = (): number | undefined => statSync(socket, {throwIfNoEntry: false})?.mtimeMs;
  await until('the first listens', 60_000, made);
  const before = made();
  mkdirSync(path.join(root, 'other'));
  for (const [run, state, directory] of [
    ['run', 'state', 'run'],
    ['run', 'other-state', 'run'],
    ['other', 'state', 'state'],
  ] as const) {
    const {status, stderr} = spawnSync(process.execPath, words(run, state), {
      encoding: 'utf8',
      timeout: 60_000,
    });
    t.is(status, 2, stderr);
    t.regex(
      stderr,
      new RegExp(`another hactld \\(pid ${first.pid}\\) runs with ${path.join(root, directory)}:`),
    );
  }
  t.is(made(), before, 'its socket is untouched');
  t.is(readFileSync(path.join(root, 'run/hactld.lock'), 'utf8'), `${first.pid}\n`);
  // A killed supervisor leaves no lock behind: its successor gets it at once.
  const supervisor = Number(
    readFileSync(`/proc/${first.pid}/task/${first.pid}/children`, 'latin1').trim().split(' ')[0],
  );
  process.kill(supervisor, 'SIGKILL');
  await until('the successor listens', 60_000, () => made() !== undefined && made() !== before);
  const ended = new Promise<number | null>((resolve) => first.on('exit', resolve));
  first.kill('SIGTERM');
  t.is(await ended, 0);
});
