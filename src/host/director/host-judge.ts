/** Can this machine be the director that its files describe? Pure; host-driver.ts gathers the facts. */
import type {ClusterConfig} from '@hactl/config';
import {found, type HostFinding} from '../finding.ts';
import {firewallFindings} from '../firewall.ts';
import type {OwnAddress} from '../networks.ts';
import {addressFindings} from '../typos.ts';

export interface HostFacts {
  /** `uname -n`, unchanged. */
  readonly node: string;
  readonly addresses: readonly OwnAddress[];
  readonly links: readonly string[];
  /** Without the leading `net.`. */
  readonly sysctls: ReadonlyMap<string, string>;
  /** Keys of sysctl.conf and sysctl.d, with their value at boot. */
  readonly atBoot: ReadonlyMap<string, string>;
  /** Interface of the IPv4 default route. */
  readonly defaultDevice?: string;
  /** Names of running processes. */
  readonly processes: ReadonlySet<string>;
  /** UDP ports in use. */
  readonly udpPorts: ReadonlySet<number>;
  readonly hactldRuns: boolean;
  /** Output of `nft list ruleset` and of iptables-save; undefined: neither is available. */
  readonly firewall?: string;
  /** Kernel modules that are loaded, built in, or loadable. */
  readonly modules: ReadonlySet<string>;
  readonly ipvs: boolean;
  /** Programs and devices named in the files that exist. */
  readonly paths: ReadonlySet<string>;
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
}

/** A clock before the release date is wrong. */
const NOT_BEFORE = Date.UTC(2026, 0, 1);
const timeDaemons = ['chronyd', 'ntpd', 'systemd-timesyn', 'ptp4l', 'openntpd'];
/** Programs that manage the same addresses or the same table, and how to stop them. */
const conflictingDaemons: Readonly<Record<string, string>> = {
  heartbeat: 'systemctl disable --now heartbeat',
  keepalived: 'systemctl disable --now keepalived',
  ldirectord: 'systemctl disable --now ldirectord',
  pulse: 'service pulse stop; chkconfig pulse off',
  nanny: 'service pulse stop; chkconfig pulse off',
  corosync: 'systemctl disable --now pacemaker corosync',
  pacemakerd: 'systemctl disable --now pacemaker corosync',
};

const SYNC_MULTICAST_PORT = 8_848;

/** All findings, the most important first. */
export function judgeHost(cluster: ClusterConfig, facts: HostFacts): HostFinding[] {
  return [
    ...nodeFindings(cluster, facts),
    ...addressFindings(cluster, facts),
    ...forwardFindings(cluster, facts),
    ...filterFindings(cluster, facts),
    ...firewallFindings(portsOf(cluster), facts.firewall),
    ...portFindings(cluster, facts),
    ...rivalFindings(facts),
    ...moduleFindings(cluster, facts),
    ...pathFindings(cluster, facts),
    ...clockFindings(facts),
  ];
}

function nodeFindings({ha}: ClusterConfig, {node}: HostFacts): HostFinding[] {
  if (!ha) return [];
  const names = ha.nodes.map(({name}) => name);
  if (names.includes(node.toLowerCase())) return [found('good', 'uname -n', `${node} is a node of ha.cf`)];
  const short = (name: string): string => name.split('.')[0] ?? name;
  const near = names.find((name) => short(name) === short(node.toLowerCase()));
  return [
    found(
      'bad',
      'uname -n',
      `this machine is ${node}, and the nodes of ha.cf are ${names.join(' and ')}`,
      near === undefined
        ? `node names are what uname -n prints: write node ${node}, and the same in haresources`
        : `only one of them has the domain: write node ${node}, and the same in haresources, or hostnamectl set-hostname ${near}`,
    ),
  ];
}

const virtualsOf = (cluster: ClusterConfig) => cluster.ldirectord.flatMap((file) => file.virtuals);

/** The forwarding methods used in the files, for one family. */
const methodsOf = (cluster: ClusterConfig, family: 4 | 6): string[] => [
  ...new Set(
    virtualsOf(cluster)
      .filter(({address}) => address.family === family)
      .flatMap(({reals}) => reals.map(({method}) => method)),
  ),
];

function forwardFindings(cluster: ClusterConfig, {sysctls, atBoot}: HostFacts): HostFinding[] {
  return ([4, 6] as const).flatMap((family) => {
    const methods = methodsOf(cluster, family);
    if (methods.length === 0) return [];
    const key = family === 4 ? 'ipv4.ip_forward' : 'ipv6.conf.all.forwarding';
    const on = sysctls.get(key) === '1';
    const boot = atBoot.get(key);
    if (!methods.includes('masq'))
      return [
        found(
          on ? 'note' : 'good',
          key,
          `${on ? `1, which ${methods.join(' and ')} does not need` : `0 is enough for ${methods.join(' and ')}`}: real servers answer the clients directly, not through this machine`,
        ),
      ];
    const set = `sysctl -w net.${key}=1, and net.${key} = 1 in a file of /etc/sysctl.d`;
    if (!on)
      return [
        found('bad', key, '0, but with masq the answers of the real servers pass through this machine', set),
      ];
    return boot === '1'
      ? [found('good', key, '1, as required by masq')]
      : [
          found(
            'warning',
            key,
            `1 now, as required by masq, but ${boot === undefined ? 'no file sets it at boot' : `a file sets ${boot} at boot`}`,
            `net.${key} = 1 in a file of /etc/sysctl.d`,
          ),
        ];
  });
}

/** A strict filter drops clients that arrive on another interface than the route back to them. */
function filterFindings(cluster: ClusterConfig, {sysctls, defaultDevice}: HostFacts): HostFinding[] {
  const devices = new Set(
    cluster.haresources.groups.flatMap((group) => group.resources.flatMap(({vip}) => vip?.device ?? [])),
  );
  const value = (name: string): number => Number(sysctls.get(`ipv4.conf.${name}.rp_filter`) ?? 0);
  return [...devices].flatMap((device) => {
    // The kernel uses the greater of the two.
    const strict = Math.max(value('all'), value(device)) === 1;
    if (!strict || defaultDevice === undefined || defaultDevice === device) return [];
    return [
      found(
        'warning',
        `rp_filter of ${device}`,
        `1 (strict): outside clients arrive on ${device}, but the route back to them is ${defaultDevice}: they would be dropped`,
        `right if all clients are in networks routed by ${device}; else sysctl -w net.ipv4.conf.${device}.rp_filter=2`,
      ),
    ];
  });
}

/** UDP ports that the pair needs open. */
export function portsOf({ha, haresources}: ClusterConfig): {readonly port: number; readonly use: string}[] {
  if (!ha) return [];
  const ports = [...new Set(ha.media.map(({port}) => port))].map((port) => ({port, use: 'adverts'}));
  const syncs = haresources.groups.some(({resources}) =>
    resources.some(({type}) => type === 'LVSSyncDaemonSwap'),
  );
  if (!syncs) return ports;
  const sync = {port: ha.hactl.syncPort, use: 'connection sync between the directors'};
  return ha.hactl.sync === 'multicast'
    ? [...ports, sync, {port: SYNC_MULTICAST_PORT, use: 'connection sync by multicast'}]
    : [...ports, sync];
}

function portFindings({ha}: ClusterConfig, {udpPorts, hactldRuns}: HostFacts): HostFinding[] {
  if (!ha || hactldRuns) return [];
  return [...new Set(ha.media.map(({port}) => port))]
    .filter((port) => udpPorts.has(port))
    .map((port) =>
      found('bad', `udp ${port}`, 'another program uses this port, and hactld is not running', `ss -lunp sport = ${port} shows it: stop it`),
    ); // prettier-ignore
}

function rivalFindings({processes}: HostFacts): HostFinding[] {
  const running = Object.entries(conflictingDaemons).filter(([name]) => processes.has(name));
  if (running.length === 0)
    return [found('good', 'services', 'no other program manages addresses or the IPVS table')];
  return running.map(([name, help]) =>
    found('bad', name, `${name} runs, and manages the same addresses or the same table`, help),
  );
}

function moduleFindings(cluster: ClusterConfig, {modules, ipvs}: HostFacts): HostFinding[] {
  const virtuals = virtualsOf(cluster);
  if (virtuals.length === 0) return [];
  if (!ipvs && !modules.has('ip_vs'))
    return [
      found('bad', 'ip_vs', 'this kernel has no IPVS', 'boot a kernel with it: Debian’s linux-image-amd64 has the module'),
    ]; // prettier-ignore
  const missing = [...new Set(virtuals.map(({scheduler}) => scheduler))].filter(
    (scheduler) => !modules.has(`ip_vs_${scheduler}`),
  );
  return [
    found('good', 'ip_vs', ipvs ? 'loaded' : 'can be loaded'),
    ...missing.map((scheduler) =>
      found('bad', `scheduler ${scheduler}`, `this kernel has no module ip_vs_${scheduler}`, 'use another scheduler, or a kernel with this one'),
    ),
  ]; // prettier-ignore
}

/** Programs and devices named by directives. */
export const pathsNamed = ({ha}: ClusterConfig): string[] => [
  ...(ha?.watchdog === undefined ? [] : [ha.watchdog]),
  ...(ha && ha.stonith.length > 0 && ha.hactl.fence === undefined ? ['/usr/sbin/stonith'] : []),
  ...(ha?.hactl.fence?.startsWith('/') ? [ha.hactl.fence.split(/\s+/)[0] ?? ''] : []),
];

function pathFindings(cluster: ClusterConfig, {paths}: HostFacts): HostFinding[] {
  return pathsNamed(cluster)
    .filter((path) => !paths.has(path))
    .map((path) =>
      path.startsWith('/dev/')
        ? found('bad', 'watchdog', `there is no ${path}`, 'modprobe softdog, or remove the watchdog line')
        : found('bad', 'fencing', `there is no ${path}: no takeover from a silent peer would be possible`, 'install it (stonith is in cluster-glue), or write hactl_fence'),
    ); // prettier-ignore
}

function clockFindings({now, processes}: HostFacts): HostFinding[] {
  if (now < NOT_BEFORE)
    return [
      found('bad', 'clock', `it shows ${new Date(now).toISOString()}`, 'set the clock, and run chrony'),
    ];
  return timeDaemons.some((name) => processes.has(name))
    ? [found('good', 'clock', 'a time daemon is running')]
    : [
        found(
          'warning',
          'clock',
          'no time daemon is running: failover does not need one, but the logs of the two directors cannot be compared',
          'apt install chrony',
        ),
      ];
}
