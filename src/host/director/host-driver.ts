/** Gathers the facts about a director's host. Reads only; as root it sees more. */
import {existsSync, readdirSync} from 'node:fs';
import os from 'node:os';
import type {ClusterConfig} from '@hactl/config';
import {pathsNamed, type HostFacts} from './host-judge.ts';
import {outputOf, ownAddresses, readSysctl, readText} from '../realserver/realserver-driver.ts';

const folder = (path: string): string[] => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};

/** `net.` settings of sysctl.conf and sysctl.d, later files override earlier ones, as at boot. */
export function sysctlsAtBoot(texts: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of texts.join('\n').split('\n')) {
    const [, key, value] = /^\s*-?net[./]([\w./-]+)\s*=\s*(\S+)/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) found.set(key.replaceAll('/', '.'), value);
  }
  return found;
}

/** Names of modules.dep, modules.builtin and /proc/modules; files use `-` and `_` interchangeably. */
export const moduleNames = (texts: readonly string[]): Set<string> =>
  new Set(
    texts
      .join('\n')
      .split('\n')
      .map((line) => (line.split(/[: ]/)[0] ?? '').split('/').at(-1) ?? '')
      .map((name) => name.replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_')),
  );

/** Local ports of /proc/net/udp. */
export const boundPorts = (texts: readonly string[]): Set<number> =>
  new Set(
    [...texts.join('\n').matchAll(/^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /gm)].map(([, port]) =>
      parseInt(port ?? '', 16),
    ),
  );

/** Names of all processes; for a script its own name, not its interpreter's. */
function processNames(): Set<string> {
  const names = new Set<string>();
  for (const pid of folder('/proc').filter((name) => /^\d+$/.test(name))) {
    const comm = readText(`/proc/${pid}/comm`)?.trim();
    if (comm === undefined) continue;
    names.add(comm);
    if (/^(perl|python)/.test(comm))
      for (const word of (readText(`/proc/${pid}/cmdline`) ?? '').split('\0').slice(1, 3))
        names.add(word.split('/').at(-1) ?? '');
  }
  return names;
}

function defaultDevice(table: string): string | undefined {
  const line = table
    .split('\n')
    .find((text) => /^\S+\t00000000\t/.test(text) && /\t00000000\t\d+\t\d+\t\d+\s*$/.test(text));
  return line?.split('\t')[0];
}

export function readHost(cluster: ClusterConfig, hactldRuns: boolean): HostFacts {
  const {addresses, links} = ownAddresses();
  const gateway = defaultDevice(readText('/proc/thread-self/net/route') ?? '');
  const keys = [
    'ipv4.ip_forward',
    'ipv6.conf.all.forwarding',
    ...['all', ...links.map(({name}) => name)].map((name) => `ipv4.conf.${name}.rp_filter`),
  ];
  const listings = [['nft', 'list', 'ruleset'], ['iptables-save']].flatMap((argv) => outputOf(argv) ?? []);
  const modulesAt = `/lib/modules/${os.release()}`;
  const texts = (paths: readonly string[]): string[] => paths.flatMap((path) => readText(path) ?? []);
  const bootFiles = ['/usr/lib/sysctl.d', '/run/sysctl.d', '/etc/sysctl.d'].flatMap((path) =>
    folder(path)
      .filter((name) => name.endsWith('.conf'))
      .toSorted()
      .map((name) => `${path}/${name}`),
  );
  return {
    node: os.hostname(),
    addresses,
    links: links.map(({name}) => name),
    sysctls: new Map(
      keys.flatMap((key) => {
        const value = readSysctl(key);
        return value === undefined ? [] : [[key, value] as const];
      }),
    ),
    atBoot: sysctlsAtBoot(texts([...bootFiles, '/etc/sysctl.conf'])),
    ...(gateway === undefined ? {} : {defaultDevice: gateway}),
    processes: processNames(),
    udpPorts: boundPorts(texts(['/proc/net/udp', '/proc/net/udp6'])),
    hactldRuns,
    ...(listings.length === 0 ? {} : {firewall: listings.join('\n')}),
    modules: moduleNames(
      texts([`${modulesAt}/modules.dep`, `${modulesAt}/modules.builtin`, '/proc/modules']),
    ),
    ipvs: existsSync('/proc/net/ip_vs'),
    paths: new Set(pathsNamed(cluster).filter((path) => existsSync(path))),
    now: Date.now(),
  };
}
