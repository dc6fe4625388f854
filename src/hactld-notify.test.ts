/** sd_notify messages of a whole daemon: READY, WATCHDOG, STOPPING; and that no child inherits the socket. */
import {spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {abi, bindSocket, closeFd, openSocket, receive, unixAddress} from '@hactl/net';
import test from 'ava';
import {until} from '../test/lab/until.ts';

const hactld = fileURLToPath(new URL('hactld.ts', import.meta.url));

test('systemd gets READY when the director may serve, then the watchdog’s pings, and STOPPING before the end', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-notify-'));
  const socket = path.join(root, 'notify');
  const fd = openSocket(abi.AF_UNIX, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0, socket);
  bindSocket(fd, unixAddress(socket), socket);
  const file = path.join(root, 'ldirectord.cf');
  writeFileSync(file, 'checktimeout=5\n');
  const child = spawn(
    process.execPath,
    [
      hactld, '--ldirectord', file, '--run-dir', path.join(root, 'run'), '--state-dir', path.join(root, 'state'),
    ], // prettier-ignore
    {stdio: 'ignore', env: {...process.env, NOTIFY_SOCKET: socket, WATCHDOG_PID: '1'}},
  );
  t.teardown(() => {
    child.kill('SIGKILL');
    closeFd(fd);
    rmSync(root, {recursive: true, force: true});
  });
  const heard: string[] = [];
  const hears = (word: string): boolean => {
    const into = Buffer.alloc(4_096);
    for (let got = receive(fd, into, abi.MSG_DONTWAIT); got >= 0; got = receive(fd, into, abi.MSG_DONTWAIT))
      heard.push(...into.toString('utf8', 0, got).split('\n'));
    return heard.includes(word);
  };
  await until('READY', 60_000, () => hears('READY=1'));
  t.true(existsSync(path.join(root, 'run/control.sock')), 'the control socket exists by then');
  heard.length = 0;
  await until('WATCHDOG', 60_000, () => hears('WATCHDOG=1'));
  // The supervisor and its children do not inherit the notify socket.
  const pids = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim().split(' ');
  for (const pid of pids)
    t.notRegex(readFileSync(`/proc/${pid}/environ`, 'latin1'), /NOTIFY_SOCKET|WATCHDOG_PID/);
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  child.kill('SIGTERM');
  t.is(await ended, 0);
  hears('');
  t.true(heard.includes('STOPPING=1'), heard.join());
  t.false(heard.includes('READY=1'), 'once only');
});
