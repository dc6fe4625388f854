/** The machines' network on this host's kernel: a bridge in its own namespace, a client, two real servers. */
import {execFileSync, spawn, type ChildProcess} from 'node:child_process';
import path from 'node:path';

export const VIP = '10.77.0.100';
const hosts = {client: '10.77.0.10', web1: '10.77.0.11', web2: '10.77.0.12'} as const;
export type Host = keyof typeof hosts;

export interface Lan {
  /** Tap devices of the machines, in the bridge's namespace. */
  readonly taps: readonly string[];
  /** Prefixes a command to run in that namespace. */
  readonly inside: (...command: string[]) => readonly [program: string, argv: string[]];
  start(host: Host, script: string, ...words: string[]): ChildProcess;
  destroy(): void;
}

/** Needs root. */
export function makeLan(machines: number): Lan {
  const id = `hm${process.pid.toString(36)}`;
  const lan = `${id}-lan`;
  const namespace = (host: string): string => `${id}-${host}`;
  const children: ChildProcess[] = [];
  const taps = Array.from({length: machines}, (_, at) => `tap${at}`);
  const names = Object.keys(hosts) as Host[];
  const ip = (lines: readonly string[], where?: string): void =>
    void execFileSync('ip', [...(where === undefined ? [] : ['-n', where]), '-batch', '-'], {
      input: `${lines.join('\n')}\n`,
      stdio: ['pipe', 'ignore', 'inherit'],
    });

  function destroy(): void {
    for (const child of children) child.kill('SIGKILL');
    for (const words of [...names.map((host) => ['netns', 'del', namespace(host)]), ['netns', 'del', lan]])
      try {
        execFileSync('ip', words, {stdio: 'ignore'});
      } catch {
        // It does not exist.
      }
  }

  try {
    ip([lan, ...names.map(namespace)].map((name) => `netns add ${name}`));
    ip(
      [
        'link add bridge type bridge forward_delay 0',
        'link set bridge up',
        ...names.flatMap((host, at) => [
          `link add v${at} type veth peer name eth0 netns ${namespace(host)}`,
          `link set v${at} master bridge up`,
        ]),
        ...taps.flatMap((tap) => [`tuntap add dev ${tap} mode tap`, `link set ${tap} master bridge up`]),
      ],
      lan,
    );
    for (const host of names)
      ip(['link set lo up', `addr add ${hosts[host]}/24 dev eth0`, 'link set eth0 up'], namespace(host));
    for (const host of ['web1', 'web2']) {
      const settings = ['all/arp_ignore', 'all/arp_announce'].map(
        (name, at) => `echo ${at + 1} >/proc/sys/net/ipv4/conf/${name}`,
      );
      execFileSync('ip', [
        'netns',
        'exec',
        namespace(host),
        'sh',
        '-c',
        `${settings.join('; ')}; ip addr add ${VIP}/32 dev lo`,
      ]);
    }
  } catch (error) {
    destroy();
    throw error;
  }
  return {
    taps,
    inside: (...command) => ['ip', ['netns', 'exec', lan, ...command]],
    destroy,
    start: (host, script, ...words) => {
      const file = path.join(import.meta.dirname, script);
      const child = spawn('ip', ['netns', 'exec', namespace(host), process.execPath, file, ...words], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      return child;
    },
  };
}
