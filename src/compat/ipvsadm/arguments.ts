/**
 * ipvsadm's command line: parses words to a command, or to the message and the status with which ipvsadm exits. Errors are found
 * in its order: while reading options, then leftover words, flags, the command's permitted options, and finally consistency.
 * Pure; host name lookups are a separate outcome.
 */
import type {Destination, Service, ServiceKey, SyncRole, Tunnel} from '@hactl/ipvs';
import {emptyDraft, LONGEST, number, readOption, type Draft} from './draft.ts';
import {readFlags, type Endpoint} from './endpoints.ts';
import type {KnownNames} from './names.ts';
import type {CommandName, Kind} from './options.ts';
import {Left, leave, refuse, status, type Command, type ListFormat, type Outcome} from './plan.ts';
import {checkCommand, checkTunnel} from './rules.ts';
import {usage, versionLine} from './usage.ts';
import {splitWords} from './words.ts';

const tryHelp = (): Left =>
  leave(status.failed, "Try `ipvsadm -h' or 'ipvsadm --help' for more information.");
const print = (text: string): Left => new Left({type: 'end', status: status.ok, stdout: text, stderr: ''});

function serviceOf(key: ServiceKey, draft: Draft, flags: Service['flags']): Service {
  if (key.kind === 'address' && key.port === 0 && draft.persistent === undefined)
    throw refuse('Zero port specified for non-persistent service');
  if (flags.ops && key.kind === 'address' && key.protocol !== 'udp')
    throw refuse('One-Packet Scheduling is only for UDP virtual services');
  return {
    key,
    scheduler: draft.scheduler,
    flags,
    ...(draft.persistent === undefined ? {} : {persistent: draft.persistent}),
    ...(draft.mask ?? {netmask: key.family === 4 ? 32 : 128}),
    ...(draft.engine === undefined || draft.engine === '' ? {} : {persistenceEngine: draft.engine}),
  };
}

function tunnelOf({given, tunnelType, tunnelPort}: Draft): {tunnel?: Tunnel} {
  checkTunnel(tunnelType, given);
  if (tunnelType === 'ipip') return {};
  const checksum = given.has('tun-csum') ? 'full' : given.has('tun-remcsum') ? 'remote' : 'none';
  return {tunnel: {type: tunnelType, port: tunnelPort, checksum}};
}

const tunnelOptions: readonly Kind[] = ['tun-type', 'tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum'];

function destinationOf(command: CommandName, key: ServiceKey, server: Endpoint, draft: Draft): Destination {
  const tunnelled = draft.forward === 'ipip';
  if (command !== 'delete-server') {
    if (server.family !== key.family && !tunnelled)
      throw refuse('Different address family is allowed only for tunneling servers');
    if (!tunnelled && tunnelOptions.some((kind) => draft.given.has(kind)))
      throw refuse('Tunnel options conflict with forward method');
  }
  const port = key.kind === 'address' ? key.port : 0;
  // Without address translation packets keep their port, whatever is given; a deletion uses the given port.
  const kept = key.kind === 'address' && draft.forward !== 'masq' && command !== 'delete-server';
  return {
    family: server.family,
    address: server.address,
    port: kept ? port : (server.port ?? port),
    forward: draft.forward,
    weight: draft.weight,
    upperThreshold: draft.upper,
    lowerThreshold: draft.lower,
    ...(tunnelled ? tunnelOf(draft) : {}),
  };
}

function columnsOf(given: ReadonlySet<Kind>): ListFormat['columns'] {
  for (const kind of ['stats', 'rate', 'thresholds', 'persistent-conn', 'tun-info'] as const)
    if (given.has(kind)) return kind;
  return 'default';
}

function listOf({given, key}: Draft): Command {
  const numeric = given.has('numeric');
  if (given.has('connection'))
    return {type: 'list-connections', numeric, persistence: given.has('persistent-conn')};
  if (given.has('timeout')) return {type: 'list-timeouts'};
  if (given.has('daemon')) return {type: 'list-daemons'};
  return {
    type: 'list',
    format: {numeric, sort: !given.has('nosort'), exact: given.has('exact'), columns: columnsOf(given)},
    ...(key ? {key} : {}),
  };
}

/** The three values after `--set`, from the leftover words. */
function timeoutsOf(leftover: readonly string[]): readonly [number, number, number] {
  if (leftover.length < 3) throw refuse('--set option requires 3 timeout values');
  const [tcp = 0, tcpFin = 0, udp = 0] = leftover
    .slice(0, 3)
    .map((text) => number(text, 0, LONGEST, `invalid timeout value \`${text}' specified`));
  return [tcp, tcpFin, udp];
}

function roleOf(command: CommandName, value: string | undefined): SyncRole | undefined {
  if (command !== 'start-daemon' && command !== 'stop-daemon') return undefined;
  if (value === 'master' || value === 'backup') return value;
  throw refuse(
    command === 'start-daemon'
      ? 'illegal start-daemon parameter specified'
      : 'illegal start_daemon specified',
  );
}

function parseWords(words: readonly string[], names: KnownNames, nested: boolean): Command {
  const {read, leftover} = splitWords(words);
  const [first, ...others] = read;
  if (first?.type !== 'option' || first.option.command === undefined) throw tryHelp();
  const name = first.option.command;
  if (name === 'restore' && nested) throw tryHelp();
  if (name === 'help') throw print(usage);
  if (name === 'version') throw print(versionLine);
  const role = roleOf(name, first.value);

  const draft = emptyDraft();
  for (const word of others) {
    if (word.type === 'bad') throw leave(status.failed, `${word.text}: ${word.reason}`);
    if (word.option.command !== undefined) throw refuse(`invalid option \`${word.text}'`);
    readOption(word.option, word.value, draft, names);
  }
  const timeouts = name === 'set' ? timeoutsOf(leftover) : undefined;
  const [extra] = timeouts ? leftover.slice(3) : leftover;
  if (extra !== undefined) throw refuse(`unexpected argument ${extra}`);
  const flags = readFlags(draft.flags ?? '', draft.scheduler, draft.given.has('ops'));
  checkCommand(name, draft.given);

  const {key, server} = draft;
  switch (name) {
    case 'flush':
    case 'restore':
      return {type: name};
    case 'save':
      return {type: 'save', numeric: draft.given.has('numeric')};
    case 'list':
      return listOf(draft);
    case 'zero':
      return {type: 'zero', ...(key ? {key} : {})};
    case 'set': {
      const [tcp, tcpFin, udp] = timeouts ?? [0, 0, 0];
      return {type: 'set-timeouts', timeouts: {tcp, tcpFin, udp}};
    }
    case 'start-daemon':
    case 'stop-daemon':
      if (role === undefined) throw tryHelp();
      return name === 'stop-daemon'
        ? {type: 'stop-daemon', role}
        : {type: 'start-daemon', daemon: {interface: '', syncid: 0, ...draft.daemon, role}};
    default:
      break;
  }
  if (!key) throw tryHelp();
  if (name === 'delete-service') return {type: name, key};
  if (name === 'add-service' || name === 'edit-service')
    return {type: name, service: serviceOf(key, draft, flags)};
  if (!server) throw tryHelp();
  return {type: name, key, destination: destinationOf(name, key, server, draft)};
}

/** The arguments of `ipvsadm`; none: list the table. `nested`: a line of `-R`, which cannot be another `-R`. */
export function parse(words: readonly string[], names: KnownNames, nested = false): Outcome {
  try {
    return {type: 'command', command: parseWords(words.length === 0 ? ['-L'] : words, names, nested)};
  } catch (error) {
    if (error instanceof Left) return error.outcome;
    throw error;
  }
}
