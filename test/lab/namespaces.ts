/**
 * The drill's hosts as network namespaces on one bridge of this machine (or of the micro-VM). `destroy` removes everything
 * created here, as do the signal handlers when the run is interrupted.
 */
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type {Site} from './site.ts';
import {hostPrograms} from './host-programs.ts';

/** Host part of each host's addresses, 10.99.0.N and fd00:99::N. */
const places: Readonly<Record<string, number>> = {
  client: 10,
  director1: 2,
  director2: 3,
  web1: 11,
  web2: 12,
  web3: 13,
};
const NETWORK = '10.99.0';
const NETWORK6 = 'fd00:99:';
const VIP = `${NETWORK}.100`;

export interface NamespaceOptions {
  readonly checkout: string;
  /** A second link between the directors, eth1 on 10.98.0.0/24: a second heartbeat path. */
  readonly secondLink?: boolean;
  /** Tells several sites of one process apart: one letter each. */
  readonly letter?: string;
}

export interface NamespaceSite extends Site {
  readonly vip6: string;
  readonly root: string;
  namespace(host: string): string;
}

const sysctls: Readonly<Record<string, readonly string[]>> = {
  director: [
    'net.ipv4.ip_forward=1',
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.conf.eth0.rp_filter=0',
    'net.ipv4.conf.all.send_redirects=0',
    'net.ipv4.conf.eth0.send_redirects=0',
  ],
  web: [
    'net.ipv4.conf.all.arp_ignore=1',
    'net.ipv4.conf.all.arp_announce=2',
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.conf.eth0.rp_filter=0',
  ],
};

/** Creates the namespaces. Needs root. */
export function makeNamespaces(options: NamespaceOptions): NamespaceSite {
  const id = `h${options.letter ?? ''}${process.pid.toString(36)}`;
  const bridge = `${id}br`;
  const second = `${id}b2`;
  const hosts = Object.keys(places);
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-drill-'));
  const namespace = (host: string): string => `${id}-${host}`;
  const port = (host: string): string =>
    `${id}${host.replace(/[a-z]*(?=\d)/, (word) => word[0] ?? '').slice(0, 4)}`;
  const programs = hostPrograms(namespace);
  let destroyed = false;

  const batch = (lines: readonly string[]): void => {
    execFileSync('ip', ['-batch', '-'], {
      input: lines.join('\n') + '\n',
      stdio: ['pipe', 'ignore', 'inherit'],
    });
  };

  function create(): void {
    const lines = hosts.map((host) => `netns add ${namespace(host)}`);
    lines.push(`link add ${bridge} type bridge forward_delay 0 mcast_snooping 0`, `link set ${bridge} up`);
    if (options.secondLink)
      lines.push(`link add ${second} type bridge forward_delay 0 mcast_snooping 0`, `link set ${second} up`);
    for (const host of hosts) {
      const name = port(host);
      lines.push(
        `link add ${name} type veth peer name eth0 netns ${namespace(host)}`,
        `link set ${name} master ${bridge} up`,
      );
      if (options.secondLink && host.startsWith('director'))
        lines.push(
          `link add ${name}x type veth peer name eth1 netns ${namespace(host)}`,
          `link set ${name}x master ${second} up`,
        );
    }
    batch(lines);
    for (const [host, place] of Object.entries(places)) {
      const loopback = [
        'link set lo up',
        'link set eth0 up',
        `address add ${NETWORK}.${place}/24 brd + dev eth0`,
        `address add ${NETWORK6}:${place}/64 dev eth0 nodad`,
      ];
      if (options.secondLink && host.startsWith('director'))
        loopback.push('link set eth1 up', `address add 10.98.0.${place}/24 dev eth1`);
      if (host.startsWith('web'))
        loopback.push(`address add ${VIP}/32 dev lo`, `address add ${NETWORK6}:100/128 dev lo`);
      execFileSync('ip', ['-n', namespace(host), '-batch', '-'], {
        input: loopback.join('\n') + '\n',
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      const settings = sysctls[host.replace(/\d/, '')];
      if (settings)
        execFileSync('ip', ['netns', 'exec', namespace(host), 'sysctl', '-qw', ...settings], {
          stdio: 'inherit',
        });
    }
  }

  const destroyNow = (): void => {
    if (destroyed) return;
    destroyed = true;
    programs.kill();
    const lines = hosts.map((host) => `netns delete ${namespace(host)}`);
    lines.push(`link delete ${bridge}`);
    if (options.secondLink) lines.push(`link delete ${second}`);
    try {
      execFileSync('ip', ['-force', '-batch', '-'], {
        input: lines.join('\n') + '\n',
        stdio: ['pipe', 'ignore', 'ignore'],
      });
    } catch {
      // -force continues past missing objects; the exit status only reports that some were missing.
    }
    rmSync(root, {recursive: true, force: true});
    process.off('exit', destroyNow);
  };
  const interrupted = (): void => {
    destroyNow();
    process.exit(130);
  };
  process.on('exit', destroyNow);
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  try {
    create();
  } catch (error) {
    destroyNow();
    throw error;
  }

  return {
    name: 'namespaces',
    means: new Set(['link', 'filter', 'freeze', 'servers', 'disk']),
    sharedFiles: true,
    root,
    vip: VIP,
    vip6: `${NETWORK6}:100`,
    webs: hosts.filter((host) => host.startsWith('web')),
    node: process.execPath,
    checkout: options.checkout,
    namespace,
    address: (host) => `${NETWORK}.${places[host]}`,
    device: () => 'eth0',
    directory: () => root,
    ...programs.actions,
    cutLink: (host) => {
      execFileSync('ip', ['link', 'set', port(host), 'down']);
      return Promise.resolve();
    },
    restoreLink: (host) => {
      execFileSync('ip', ['link', 'set', port(host), 'up']);
      return Promise.resolve();
    },
    destroy: () => {
      destroyNow();
      process.off('SIGINT', interrupted);
      process.off('SIGTERM', interrupted);
      return Promise.resolve();
    },
  };
}
