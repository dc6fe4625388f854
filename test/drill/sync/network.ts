/**
 * The machines of the sync drills as network namespaces: a client, two directors, two real servers on the client's LAN (direct
 * routing) and two behind the directors (masquerading). A power loss removes a director's namespace and with it the kernel's
 * table.
 */
import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type {Site} from '../../lab/site.ts';
import {hostPrograms} from '../../lab/host-programs.ts';
import {GATEWAY, GATEWAY6, VIP, VIP6, clientAddresses} from './plan.ts';

/** eth0: the client's LAN; eth1: the real servers' network behind the directors; eth2: the directors' link. */
type Link = 'eth0' | 'eth1' | 'eth2';
interface Host {
  /** Host part of its addresses. */
  readonly place: number;
  readonly links: readonly Link[];
  /** Lines for `ip -batch` in the namespace. */
  readonly own?: readonly string[];
  readonly sysctls?: readonly string[];
}

const nets: Readonly<Record<Link, {readonly v4: string; readonly v6: string}>> = {
  eth0: {v4: '10.99.0', v6: 'fd00:99:'},
  eth1: {v4: '10.98.0', v6: 'fd00:98:'},
  eth2: {v4: '10.97.0', v6: 'fd00:97:'},
};
const noFilter = (...names: string[]): string[] => names.map((name) => `net.ipv4.conf.${name}.rp_filter=0`);
const director = {
  links: ['eth0', 'eth1', 'eth2'],
  sysctls: [
    'net.ipv4.ip_forward=1',
    'net.ipv6.conf.all.forwarding=1',
    ...noFilter('all', 'eth0', 'eth1', 'eth2'),
    'net.ipv4.conf.all.send_redirects=0',
    'net.ipv4.conf.eth0.send_redirects=0',
    'net.ipv4.conf.eth1.send_redirects=0',
  ],
} as const;
const real = {
  links: ['eth0'],
  own: [`address add ${VIP}/32 dev lo`, `address add ${VIP6}/128 dev lo nodad`],
  sysctls: ['net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.all.arp_announce=2', ...noFilter('all', 'eth0')],
} as const;
const inside = {
  links: ['eth1'],
  own: [`route add default via ${GATEWAY}`, `route add default via ${GATEWAY6}`],
} as const;

const machines: Readonly<Record<string, Host>> = {
  client: {
    place: 10,
    links: ['eth0'],
    own: clientAddresses.slice(1).map((address) => `address add ${address}/24 dev eth0`),
  },
  director1: {place: 2, ...director},
  director2: {place: 3, ...director},
  real1: {place: 11, ...real},
  real2: {place: 12, ...real},
  inside1: {place: 11, ...inside},
  inside2: {place: 12, ...inside},
};

/** The real servers' hosts. */
export const reals = Object.keys(machines).filter((name) => /^(real|inside)/.test(name));

/** The address of a host on its first link. */
export const addressOf = (host: string, link?: Link): string => {
  const machine = machines[host];
  if (!machine) throw new Error(`no host ${host}`);
  return `${nets[link ?? machine.links[0] ?? 'eth0'].v4}.${machine.place}`;
};

export type Network = ReturnType<typeof makeNetwork>;

/** Creates the network; concurrent ones differ by a letter. Needs root. Removed by `destroy` and at the end of the process. */
export function makeNetwork(checkout: string, letter = 's') {
  const id = `${letter}${process.pid.toString(36)}`;
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-drill-sync-'));
  const namespace = (host: string): string => `${id}-${host}`;
  const bridge = (link: Link): string => `${id}${link}`;
  const port = (host: string, link: Link): string => `${id}${host[0]}${host.at(-1)}${link.at(-1)}`;
  const programs = hostPrograms(namespace);
  let made = true;
  /** Percentage of packets to each director lost on eth2. */
  let loss = 0;

  const ip = (lines: readonly string[], ...words: string[]): void => {
    execFileSync('ip', [...words, '-batch', '-'], {
      input: lines.join('\n') + '\n',
      stdio: ['pipe', 'ignore', 'inherit'],
    });
  };

  function plugIn(host: string): void {
    const {place, links, own = [], sysctls = []} = machines[host] as Host;
    ip([
      `netns add ${namespace(host)}`,
      ...links.flatMap((link) => [
        `link add ${port(host, link)} type veth peer name ${link} netns ${namespace(host)}`,
        `link set ${port(host, link)} master ${bridge(link)} up`,
      ]),
    ]);
    ip(
      [
        'link set lo up',
        ...links.flatMap((link) => [
          `link set ${link} up`,
          `address add ${nets[link].v4}.${place}/24 brd + dev ${link}`,
          `address add ${nets[link].v6}:${place}/64 dev ${link} nodad`,
        ]),
        ...own,
      ],
      '-n',
      namespace(host),
    );
    if (sysctls.length > 0)
      execFileSync('ip', ['netns', 'exec', namespace(host), 'sysctl', '-qw', ...sysctls], {stdio: 'inherit'});
    if (loss > 0 && links.includes('eth2')) losePackets(host);
  }

  const losePackets = (host: string): void => {
    const words = loss > 0 ? ['replace', 'netem', 'loss', `${loss}%`] : ['del'];
    const [verb = '', ...how] = words;
    execFileSync('tc', ['qdisc', verb, 'dev', port(host, 'eth2'), 'root', ...how], {stdio: 'ignore'});
  };
  const setPorts = (host: string, state: 'up' | 'down'): Promise<void> => {
    ip((machines[host] as Host).links.map((link) => `link set ${port(host, link)} ${state}`));
    return Promise.resolve();
  };

  /** Kills what still runs there, then removes the namespace and its table. The links are already cut. */
  function unplug(host: string): void {
    const pids = execFileSync('ip', ['netns', 'pids', namespace(host)], {encoding: 'utf8'});
    for (const pid of pids.split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // Has ended in the meantime.
      }
    }
    ip([
      ...(machines[host] as Host).links.map((link) => `link delete ${port(host, link)}`),
      `netns delete ${namespace(host)}`,
    ]);
  }

  const destroy = (): void => {
    if (!made) return;
    made = false;
    programs.kill();
    const lines = [
      // Links first: a namespace lives as long as its last process.
      ...Object.entries(machines).flatMap(([host, {links}]) =>
        links.map((link) => `link delete ${port(host, link)}`),
      ),
      ...Object.keys(machines).map((host) => `netns delete ${namespace(host)}`),
      ...Object.keys(nets).map((link) => `link delete ${bridge(link as Link)}`),
    ];
    try {
      execFileSync('ip', ['-force', '-batch', '-'], {
        input: lines.join('\n') + '\n',
        stdio: ['pipe', 'ignore', 'ignore'],
      });
    } catch {
      // -force continues past missing objects; the exit status only reports that some were missing.
    }
    rmSync(root, {recursive: true, force: true});
  };
  process.on('exit', destroy);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

  for (const link of Object.keys(nets))
    ip([
      `link add ${bridge(link as Link)} type bridge forward_delay 0 mcast_snooping 0`,
      `link set ${bridge(link as Link)} up`,
    ]);
  for (const host of Object.keys(machines)) plugIn(host);

  const site: Site = {
    name: 'namespaces',
    sharedFiles: true,
    vip: VIP,
    webs: reals,
    node: process.execPath,
    checkout,
    address: (host) => addressOf(host),
    device: () => 'eth0',
    directory: () => root,
    ...programs.actions,
    cutLink: (host) => setPorts(host, 'down'),
    restoreLink: (host) => setPorts(host, 'up'),
    destroy: () => Promise.resolve(destroy()),
  };
  const directors = Object.keys(machines).filter((host) => host.startsWith('director'));
  return {
    site,
    plugIn,
    unplug,
    setLink: async (host: string, link: Link, state: 'up' | 'down'): Promise<void> => {
      await site.run(host, ['ip', 'link', 'set', link, state]);
    },
    /** Also applied to a director that returns later. */
    setLoss: (percent: number): void => {
      loss = percent;
      for (const host of directors) losePackets(host);
    },
    /** Packets to each director lost since its port was created. */
    lost: (): number[] =>
      directors.map((host) => {
        const text = execFileSync('tc', ['-s', 'qdisc', 'show', 'dev', port(host, 'eth2')], {
          encoding: 'utf8',
        });
        return Number(/dropped (\d+)/.exec(text)?.[1] ?? 0);
      }),
  };
}
