/** Gathers a real server's facts, applies the plan's steps, and undoes them. Needs root. */
import {spawnSync} from 'node:child_process';
import {mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {replaceFile} from '@hactl/base/files';
import {NetlinkError, openAddresses, setLinkUp} from '@hactl/net';
import {familyOf, hostLength, type OwnAddress} from '../networks.ts';
import {facing, type RealFacts, type Step, type Goal} from './realserver-plan.ts';
import type {Undo} from './realserver-undo.ts';

/** A failed step; the earlier ones are in the state file. */
export class StepError extends Error {
  override name = 'StepError';
}

/** The name of an interface may contain dots. */
const sysctlFile = (key: string): string => {
  const [, family, device, name] = /^(ipv[46])\.conf\.(.+)\.([a-z_]+)$/.exec(key) ?? [];
  return family === undefined
    ? `/proc/sys/net/${key.replaceAll('.', '/')}`
    : `/proc/sys/net/${family}/conf/${device}/${name}`;
};

/** A file's content, or undefined. */
export const readText = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

export const readSysctl = (key: string): string | undefined => readText(sysctlFile(key))?.trim();

/** Only the system's own programs: npm puts a package's `nft` first on PATH. */
const env = {...process.env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin'};

/** A program's output; undefined when it is missing or fails. */
export const outputOf = (argv: readonly string[]): string | undefined => {
  const {status, stdout} = spawnSync(argv[0] ?? '', argv.slice(1), {encoding: 'utf8', env});
  return status === 0 ? stdout : undefined;
};

/** Gateway of the IPv4 default route, out of /proc/net/route (the thread's own, which may be in a namespace). */
export function defaultGateway(table: string): string | undefined {
  for (const line of table.split('\n').slice(1)) {
    const [, destination, gateway, , , , , mask] = line.split(/\s+/);
    if (destination === '00000000' && mask === '00000000' && gateway)
      return [...Buffer.from(gateway, 'hex')].toReversed().join('.');
  }
  return undefined;
}

/** All addresses of this machine. */
export function ownAddresses(): {addresses: OwnAddress[]; links: RealFacts['links']} {
  const netlink = openAddresses();
  try {
    const links = netlink.links();
    const nameOf = new Map(links.map(({index, name}) => [index, name]));
    return {
      links: links.map(({name, up}) => ({name, up})),
      addresses: netlink.list().map(({family, address, prefixLength, index}) => ({
        device: nameOf.get(index) ?? String(index),
        family,
        address,
        prefixLength,
      })),
    };
  } finally {
    netlink.close();
  }
}

export function readFacts(goal: Goal): RealFacts {
  const local = ownAddresses();
  const gateway = defaultGateway(readText('/proc/thread-self/net/route') ?? '');
  const bare: RealFacts = {...local, sysctls: new Map()};
  const devices = ['all', 'tunl0', facing(goal, bare) ?? 'all'];
  const keys = devices.flatMap((device) =>
    ['arp_ignore', 'arp_announce', 'rp_filter'].map((name) => `ipv4.conf.${device}.${name}`),
  );
  const rules =
    goal.method === 'masq' || goal.form === 'arp_ignore'
      ? {}
      : {
          [goal.form]: outputOf(goal.form === 'nft' ? ['nft', 'list', 'ruleset', 'arp'] : ['arptables-save']),
        };
  return {
    ...local,
    ...(gateway === undefined ? {} : {gateway}),
    sysctls: new Map(
      keys.flatMap((key) => {
        const value = readSysctl(key);
        return value === undefined ? [] : [[key, value] as const];
      }),
    ),
    ...rules,
  };
}

const run = (argv: readonly string[], input = ''): void => {
  const {status, error, stderr} = spawnSync(argv[0] ?? '', argv.slice(1), {input, encoding: 'utf8', env});
  if (status !== 0) throw new StepError(`${argv.join(' ')}: ${error?.message ?? stderr.trim()}`);
};

const linkIndex = (device: string): number => {
  const netlink = openAddresses();
  try {
    const link = netlink.links().find(({name}) => name === device);
    if (!link) throw new StepError(`there is no interface ${device}`);
    return link.index;
  } finally {
    netlink.close();
  }
};

function changeAddress(how: 'put' | 'remove', device: string, address: string): void {
  const family = familyOf(address);
  const index = linkIndex(device);
  const netlink = openAddresses();
  try {
    netlink[how]({family, address, prefixLength: hostLength(family), index});
  } finally {
    netlink.close();
  }
}

/** Applies one step; returns how to undo it. */
export function doStep(step: Step): Undo {
  const of = step.vip === undefined ? {} : {vip: step.vip};
  switch (step.kind) {
    case 'module':
      run(['modprobe', step.name]);
      return {kind: 'run', argv: ['modprobe', '-r', step.name]};
    case 'sysctl': {
      const file = sysctlFile(step.key);
      const before = readText(file)?.trim();
      if (before === undefined) throw new StepError(`there is no ${file}`);
      writeFileSync(file, step.value);
      return {kind: 'sysctl', key: step.key, set: step.value, before};
    }
    case 'link-up':
      setLinkUp(linkIndex(step.device), true);
      return {kind: 'link-down', device: step.device};
    case 'address':
      changeAddress('put', step.device, step.address);
      return {kind: 'address', device: step.device, address: step.address, ...of};
    case 'run':
      run(step.argv, step.input);
      return {kind: 'run', argv: step.undo, ...of};
    case 'route': {
      const before = defaultGateway(readText('/proc/thread-self/net/route') ?? '');
      run(['ip', 'route', 'replace', 'default', 'via', step.gateway]);
      return {kind: 'route', set: step.gateway, ...(before === undefined ? {} : {before})};
    }
  }
}

/** Writes a file; links are followed, and an existing file keeps its mode. `mode`: for a new file. */
function replaceInPlace(file: string, text: string, mode: number): void {
  const found = statSync(file, {throwIfNoEntry: false});
  replaceFile(found ? realpathSync(file) : file, text, found ? found.mode & 0o7777 : mode);
}

/** Writes a persistent file. */
export function writeFileStep(file: {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}): Undo {
  const before = readText(file.path);
  mkdirSync(path.dirname(file.path), {recursive: true});
  replaceInPlace(file.path, file.text, file.mode);
  return {kind: 'file', path: file.path, set: file.text, ...(before === undefined ? {} : {before})};
}

/** Undoes one step. Returns a note for the operator, if any. */
export function undoStep(undo: Undo): string | undefined {
  switch (undo.kind) {
    case 'sysctl': {
      const now = readSysctl(undo.key);
      if (now !== undo.set) return `net.${undo.key} is ${now ?? 'gone'} by now: left alone`;
      writeFileSync(sysctlFile(undo.key), undo.before);
      return undefined;
    }
    case 'link-down':
      if (ownAddresses().links.some(({name}) => name === undo.device))
        setLinkUp(linkIndex(undo.device), false);
      return undefined;
    case 'address':
      try {
        changeAddress('remove', undo.device, undo.address);
        return undefined;
      } catch (error) {
        if (error instanceof StepError || (error instanceof NetlinkError && error.code === 'EADDRNOTAVAIL'))
          return `${undo.address} was not on ${undo.device} any more`;
        throw error;
      }
    case 'run':
      try {
        run(undo.argv);
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    case 'route': {
      const now = defaultGateway(readText('/proc/thread-self/net/route') ?? '');
      if (now !== undo.set) return `the default route is ${now ?? 'gone'} by now: left alone`;
      run(
        undo.before === undefined
          ? ['ip', 'route', 'delete', 'default']
          : ['ip', 'route', 'replace', 'default', 'via', undo.before],
      );
      return undefined;
    }
    case 'file':
      if (readText(undo.path) !== undo.set) return `${undo.path} was changed since: left alone`;
      if (undo.before === undefined) rmSync(undo.path);
      else replaceInPlace(undo.path, undo.before, 0o644);
      return undefined;
  }
}
