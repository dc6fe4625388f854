/**
 * Machines for tests: each has its own network, host name, processes, /etc, /var and /run, and they share one Ethernet.
 * /etc is in memory, and all of a machine's processes end with the test. Needs root.
 */
import {execFile, execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmdirSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {labProgram} from '../../../test/lab/programs.ts';

export interface Outcome {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Host {
  readonly name: string;
  /** Its files, as seen from this machine. */
  readonly root: string;
  run(...argv: string[]): Promise<Outcome>;
  put(file: string, text: string, mode?: string): Promise<void>;
}

const checkout = path.resolve(import.meta.dirname, '../../..');
const LIMIT = 300_000;

/** $1 is the host's name, $2 an empty folder. It lives until its standard input ends. */
const BOOT = `
set -e
mount -t tmpfs -o mode=755 hactl "$2"
for top in etc var; do
  mkdir -p "$2/$top/upper" "$2/$top/work"
  mount -t overlay -o "lowerdir=/$top,upperdir=$2/$top/upper,workdir=$2/$top/work" hactl /$top
done
mount -t tmpfs -o mode=755 hactl /run
rm -rf /etc/ha.d /var/lib/hactl
mkdir -p /etc/ha.d /var/log /var/run
hostname "$1"
ip link set lo up
echo up
exec cat > /dev/null
`;

/** The steps to replace heartbeat with this one. */
const INIT_SCRIPT = `#!/bin/sh
export NODE_COMPILE_CACHE=${process.env.NODE_COMPILE_CACHE ?? '/var/lib/hactl-compile'}
exec ${process.execPath} ${labProgram('heartbeat')} "$@"
`;

async function boot(name: string): Promise<{host: Host; pid: number; end: () => void}> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-host-'));
  const shell = spawn(
    'unshare',
    [
      '--mount',
      '--net',
      '--uts',
      '--pid',
      '--mount-proc',
      '--fork',
      '--kill-child',
      'sh',
      '-c',
      BOOT,
      'host',
      name,
      folder,
    ],
    {stdio: ['pipe', 'pipe', 'inherit']},
  );
  await new Promise<void>((resolve, reject) => {
    shell.stdout.once('data', () => resolve());
    shell.on('exit', (status) => reject(new Error(`${name} did not come up: exit status ${status}`)));
  });
  const inner = Number(readFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`, 'utf8'));
  const inside = ['--target', String(inner), '--mount', '--net', '--uts', '--pid', '--'];
  const run = (...argv: string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      execFile('nsenter', [...inside, ...argv], {timeout: LIMIT}, (error, stdout, stderr) =>
        resolve({status: error === null ? 0 : (error.code ?? error.signal ?? 1), stdout, stderr}),
      );
    });
  const put = async (file: string, text: string, mode = '644'): Promise<void> => {
    const child = spawn('nsenter', [...inside, 'sh', '-c', 'umask 077; mkdir -p "$(dirname "$1")"; cat > "$1"; chmod "$2" "$1"', 'put', file, mode], {stdio: ['pipe', 'ignore', 'inherit']}); // prettier-ignore
    child.stdin.end(text);
    await new Promise((resolve) => child.on('exit', resolve));
  };
  const host: Host = {name, root: `/proc/${inner}/root`, run, put};
  await put('/etc/init.d/heartbeat', INIT_SCRIPT, '755');
  const end = (): void => {
    shell.removeAllListeners('exit');
    shell.kill('SIGKILL');
    shell.once('exit', () => rmdirSync(folder));
  };
  return {host, pid: inner, end};
}

/** Boots machines with eth0 on one bridge, which has its own namespace. */
export async function makeHosts(
  addresses: Readonly<Record<string, string>>,
): Promise<{hosts: Readonly<Record<string, Host>>; end: () => void}> {
  const lan = await boot('lan');
  const ends = [lan.end];
  const hosts: Record<string, Host> = {};
  await lan.host.run(
    'sh',
    '-c',
    'ip link add lan type bridge forward_delay 0 mcast_snooping 0; ip link set lan up',
  );
  for (const [name, address] of Object.entries(addresses)) {
    // oxlint-disable-next-line no-await-in-loop -- a few machines.
    const made = await boot(name);
    ends.push(made.end);
    hosts[name] = made.host;
    const port = `p${made.pid}`;
    execFileSync('ip', ['link', 'add', port, 'netns', String(lan.pid), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(made.pid)]); // prettier-ignore
    // oxlint-disable-next-line no-await-in-loop -- the same.
    await lan.host.run('ip', 'link', 'set', port, 'master', 'lan', 'up');
    // oxlint-disable-next-line no-await-in-loop -- the same.
    await made.host.run('sh', '-c', `ip address add ${address} brd + dev eth0; ip link set eth0 up`);
  }
  return {hosts, end: () => ends.toReversed().forEach((end) => end())};
}

/** A tutorial's file, as it is printed. */
export const seed = (name: string): string =>
  readFileSync(path.join(checkout, 'test/fixtures/seeds', name), 'utf8');

/** All files of the second tutorial. */
export async function putSecondTutorial(host: Host): Promise<void> {
  for (const [file, mode] of [
    ['ha.cf', '644'],
    ['haresources', '644'],
    ['authkeys', '600'],
  ] as const)
    // oxlint-disable-next-line no-await-in-loop -- three small files.
    await host.put(`/etc/ha.d/${file}`, seed(`s001_${file}`), mode);
  await host.put('/etc/ha.d/ldirectord.cf', seed('s001_flat.cf'));
}

export {checkout};
