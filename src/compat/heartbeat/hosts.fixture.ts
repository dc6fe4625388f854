/**
 * Machines for tests: each has its own network, host name, processes, /etc, /var and /run, and they share Ethernets.
 * /etc is in memory, and all of a machine's processes end with the test. Needs root.
 */
import {execFile, execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmdirSync} from 'node:fs';
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
  /** Power loss: its network goes first, then every process. */
  cut(): Promise<void>;
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
  const cut = async (): Promise<void> => {
    const links = readdirSync(`/proc/${inner}/root/sys/class/net`).filter((link) => link.startsWith('eth'));
    for (const link of links)
      // oxlint-disable-next-line no-await-in-loop -- one or two.
      await run('ip', 'link', 'set', link, 'down');
    // All but the first process, which is the machine.
    await run('sh', '-c', 'kill -KILL -1');
  };
  const host: Host = {name, root: `/proc/${inner}/root`, run, put, cut};
  await put('/etc/init.d/heartbeat', INIT_SCRIPT, '755');
  const end = (): void => {
    shell.removeAllListeners('exit');
    shell.kill('SIGKILL');
    shell.once('exit', () => rmdirSync(folder));
  };
  return {host, pid: inner, end};
}

/**
 * Boots machines. A machine's interfaces are eth0, eth1, …: a list of addresses for each, and the Ethernet that it is on
 * (`10.0.0.1/24 2001:db8::1/64 @inside`), `lan` where none is given.
 */
export async function makeHosts(
  machines: Readonly<Record<string, string | readonly string[]>>,
): Promise<{hosts: Readonly<Record<string, Host>>; end: () => void}> {
  // The bridges have a namespace of their own.
  const wires = await boot('wires');
  const ends = [wires.end];
  const hosts: Record<string, Host> = {};
  const bridges = new Set<string>();
  const addLink = async (pid: number, host: Host, index: number, words: readonly string[]): Promise<void> => {
    const bridge = words.find((word) => word.startsWith('@'))?.slice(1) ?? 'lan';
    if (!bridges.has(bridge))
      await wires.host.run(
        'sh',
        '-c',
        `ip link add ${bridge} type bridge forward_delay 0 mcast_snooping 0; ip link set ${bridge} up`,
      );
    bridges.add(bridge);
    const port = `p${pid}-${index}`;
    const device = `eth${index}`;
    execFileSync('ip', ['link', 'add', port, 'netns', String(wires.pid), 'type', 'veth', 'peer', 'name', device, 'netns', String(pid)]); // prettier-ignore
    await wires.host.run('ip', 'link', 'set', port, 'master', bridge, 'up');
    const commands = words
      .filter((word) => !word.startsWith('@'))
      .map((word) => `ip address add ${word} ${word.includes(':') ? 'nodad' : 'brd +'} dev ${device}`);
    await host.run('sh', '-c', [...commands, `ip link set ${device} up`].join('; '));
  };
  for (const [name, links] of Object.entries(machines)) {
    // oxlint-disable no-await-in-loop -- a few machines with a link or two.
    const made = await boot(name);
    ends.push(made.end);
    hosts[name] = made.host;
    for (const [index, link] of [links].flat().entries())
      await addLink(made.pid, made.host, index, link.split(' '));
    // oxlint-enable no-await-in-loop
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
