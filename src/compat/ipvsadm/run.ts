/** Executes a command line on the kernel's table, and prints what ipvsadm would print. */
import {spawnSync} from 'node:child_process';
import dns from 'node:dns/promises';
import {readFileSync} from 'node:fs';
import net from 'node:net';
import {IpvsError, openKernelIpvs, type IpvsClient, type ObservedService} from '@hactl/ipvs';
import {parse} from './arguments.ts';
import {readConnections, renderConnections} from './connections.ts';
import {kernelSentence, systemSentence} from './errors.ts';
import {readServices, type KnownNames, type ServiceNames, type ShownNames} from './names.ts';
import {status, type Command} from './plan.ts';
import {renderDaemons, renderList, renderSave, renderTimeouts} from './render.ts';
import {restoreLines} from './words.ts';

export interface Printed {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The dependencies of a run; `systemWorld` is the real one. */
export interface World {
  readonly ipvs: IpvsClient;
  /** The services file, read when a name is first needed. */
  services(): ServiceNames;
  /** A host's IPv4 address. */
  address(host: string): Promise<string | undefined>;
  /** An address's host name. */
  host(address: string): Promise<string | undefined>;
  connections(): string;
  /** All of standard input. */
  input(): string;
}

const printed = (stdout = '', stderr = '', code: number = status.ok): Printed => ({
  status: code,
  stdout,
  stderr,
});

/** Resolves the name of every address, once each. */
async function namesFor(world: World, addresses: readonly string[]): Promise<ShownNames> {
  const hosts = new Map<string, string>();
  for (const address of new Set(addresses)) {
    // oxlint-disable-next-line no-await-in-loop -- one query at a time, as ipvsadm does.
    const host = await world.host(address);
    if (host !== undefined) hosts.set(address, host);
  }
  return {services: world.services(), hosts};
}

const addressesOf = (services: readonly ObservedService[]): string[] =>
  services.flatMap(({service: {key}, destinations}) => [
    ...(key.kind === 'address' ? [key.address] : []),
    ...destinations.map(({address}) => address),
  ]);

async function list(world: World, command: Extract<Command, {type: 'list'}>): Promise<Printed> {
  const {key, format} = command;
  const [{version, tableSize}, all] = await Promise.all([world.ipvs.version(), world.ipvs.list()]);
  const services = key ? all.filter((observed) => sameKey(observed.service.key, key)) : all;
  if (key && services.length === 0) return printed('', 'No such service\n', status.noSuchService);
  const names = format.numeric ? undefined : await namesFor(world, addressesOf(services));
  return printed(renderList({version, tableSize, services}, key === undefined, format, names));
}

const sameKey = (left: object, right: object): boolean => JSON.stringify(left) === JSON.stringify(right);

async function carryOut(world: World, command: Command): Promise<Printed> {
  const {ipvs} = world;
  switch (command.type) {
    case 'add-service':
      await ipvs.apply({type: 'new-service', service: command.service});
      return printed();
    case 'edit-service':
      await ipvs.apply({type: 'set-service', service: command.service});
      return printed();
    case 'delete-service':
      await ipvs.apply({type: 'del-service', key: command.key});
      return printed();
    case 'add-server':
    case 'edit-server':
    case 'delete-server': {
      const type = {
        'add-server': 'new-dest',
        'edit-server': 'set-dest',
        'delete-server': 'del-dest',
      } as const;
      await ipvs.apply({type: type[command.type], key: command.key, destination: command.destination});
      return printed();
    }
    case 'flush':
      await ipvs.flush();
      return printed();
    case 'zero':
      await ipvs.zero(command.key);
      return printed();
    case 'set-timeouts':
      await ipvs.setTimeouts(command.timeouts);
      return printed();
    case 'start-daemon':
      await ipvs.startSyncDaemon(command.daemon);
      return printed();
    case 'stop-daemon':
      await ipvs.stopSyncDaemon(command.role);
      return printed();
    case 'list':
      return list(world, command);
    case 'list-connections': {
      const connections = readConnections(world.connections());
      const names = command.numeric
        ? undefined
        : await namesFor(
            world,
            connections.flatMap((connection) => [
              connection.source[0],
              connection.virtual[0],
              connection.destination[0],
            ]),
          );
      return printed(renderConnections(connections, command.persistence, names));
    }
    case 'list-timeouts':
      return printed(renderTimeouts(await ipvs.timeouts()));
    case 'list-daemons':
      return printed(renderDaemons(await ipvs.syncDaemons()));
    case 'save': {
      const services = await ipvs.list();
      return printed(
        renderSave(services, command.numeric ? undefined : await namesFor(world, addressesOf(services))),
      );
    }
    case 'restore':
      return restore(world);
  }
}

/** Runs a command line; `ended`: whether ipvsadm would exit here even within `-R`. */
async function runWords(
  world: World,
  words: readonly string[],
  nested: boolean,
): Promise<Printed & {ended: boolean}> {
  const hosts = new Map<string, string | null>();
  const names: KnownNames = {
    services: {port: (name, protocol) => world.services().port(name, protocol), name: () => undefined},
    hosts,
  };
  for (;;) {
    const outcome = parse(words, names, nested);
    if (outcome.type === 'end') return {...outcome, ended: true};
    if (outcome.type === 'lookup') {
      // oxlint-disable-next-line no-await-in-loop -- the parser asks for one name at a time.
      hosts.set(outcome.host, (await world.address(outcome.host)) ?? null);
      continue;
    }
    try {
      // oxlint-disable-next-line no-await-in-loop -- returns.
      const printed = await carryOut(world, outcome.command);
      return {...printed, ended: printed.status === status.noSuchService};
    } catch (error) {
      if (!(error instanceof IpvsError)) throw error;
      const sentence = kernelSentence(outcome.command.type, error.code);
      return {...printed('', `${sentence}\n`, status.failed), ended: false};
    }
  }
}

/**
 * Every line of the input is a command line. Refusals by the kernel are printed and do not stop the rest; the last status
 * is returned.
 */
async function restore(world: World): Promise<Printed> {
  let total = printed();
  for (const words of restoreLines(world.input())) {
    // oxlint-disable-next-line no-await-in-loop -- the lines depend on one another.
    const result = await runWords(world, words, true);
    total = printed(total.stdout + result.stdout, total.stderr + result.stderr, result.status);
    if (result.ended) break;
  }
  return total;
}

/** Runs one command line on an open table. */
export async function runOn(world: World, words: readonly string[]): Promise<Printed> {
  const {stdout, stderr, status: code} = await runWords(world, words, false);
  return {stdout, stderr, status: code};
}

/** Names by the system's resolver, connections from /proc, input from descriptor 0. */
export function systemWorld(ipvs: IpvsClient): World {
  let services: ServiceNames | undefined;
  return {
    ipvs,
    services: () => (services ??= readServices(readText('/etc/services'))),
    address: async (host) => {
      try {
        return (await dns.lookup(host, {family: 4})).address;
      } catch {
        return undefined;
      }
    },
    host: async (address) => {
      try {
        const {hostname} = await dns.lookupService(address, 0);
        return net.isIP(hostname) === 0 ? hostname : undefined;
      } catch {
        return undefined;
      }
    },
    connections: () => readText('/proc/net/ip_vs_conn'),
    input: () => readFileSync(0, 'utf8'),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Opens the table, loading the module if necessary. */
async function open(): Promise<IpvsClient> {
  try {
    return await openKernelIpvs();
  } catch (error) {
    if (!(error instanceof IpvsError) || error.code !== 'ENOENT') throw error;
    spawnSync('modprobe', ['ip_vs'], {stdio: 'ignore'});
    return openKernelIpvs();
  }
}

/** `hactl ipvsadm WORDS…`: prints, and returns the exit status. */
export async function ipvsadm(words: readonly string[]): Promise<number> {
  let ipvs: IpvsClient;
  try {
    ipvs = await open();
    // Anyone can see the family, but the table is root's. ipvsadm checks that before its options.
    await ipvs.version();
  } catch (error) {
    if (!(error instanceof IpvsError)) throw error;
    process.stderr.write(
      `Can't initialize ipvs: ${systemSentence(error.code === 'ENOENT' ? 'ENOPROTOOPT' : error.code)}\n` +
        'Are you sure that IP Virtual Server is built in the kernel or as module?\n',
    );
    return status.refused;
  }
  try {
    const printed = await runOn(systemWorld(ipvs), words);
    process.stdout.write(printed.stdout);
    process.stderr.write(printed.stderr);
    return printed.status;
  } finally {
    ipvs.close();
  }
}
