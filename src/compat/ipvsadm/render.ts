/** The table as `ipvsadm -L` and `-S` print it, to the byte, blanks at the ends of lines included. Pure. */
import type {
  Destination,
  ObservedDestination,
  ObservedService,
  Service,
  Statistics,
  SyncDaemon,
  Timeouts,
} from '@hactl/ipvs';
import {columnText, endpointText} from './endpoint-text.ts';
import {writeFlags} from './endpoints.ts';
import type {ShownNames} from './names.ts';
import type {ListFormat} from './plan.ts';
import {compareDestinations, compareServices, mergeSort} from './sort.ts';
import {writeIpv6} from './text.ts';

export interface Snapshot {
  readonly version: string;
  readonly tableSize: number;
  readonly services: readonly ObservedService[];
}

/** Width of the first column after `TCP  ` and `  -> `. */
const NAME = 28;

const forwards = {gate: 'Route', masq: 'Masq', ipip: 'Tunnel'} as const;
const forwardOptions = {gate: '-g', masq: '-m', ipip: '-i'} as const;
const serviceOptions = {tcp: '-t', udp: '-u', sctp: '--sctp-service'} as const;

/** A counter in nine columns: from a hundred million on in thousands, millions, …, rounded down, unless `exact`. */
export function counter(value: bigint, exact: boolean): string {
  if (exact || value < 10n ** 8n) return ` ${String(value).padStart(8)}`;
  const [unit, suffix] =
    value < 10n ** 9n
      ? [10n ** 3n, 'K']
      : value < 10n ** 11n
        ? [10n ** 6n, 'M']
        : value < 10n ** 14n
          ? [10n ** 9n, 'G']
          : [10n ** 12n, 'T'];
  return `${String(value / unit).padStart(8)}${suffix}`;
}

const counters = (statistics: Statistics, {columns, exact}: ListFormat): string =>
  (columns === 'stats'
    ? [
        statistics.connections,
        statistics.packetsIn,
        statistics.packetsOut,
        statistics.bytesIn,
        statistics.bytesOut,
      ]
    : [
        statistics.connectionsPerSecond,
        statistics.packetsInPerSecond,
        statistics.packetsOutPerSecond,
        statistics.bytesInPerSecond,
        statistics.bytesOutPerSecond,
      ]
  )
    .map((value) => counter(value, exact))
    .join('');

const titles: Readonly<Record<ListFormat['columns'], string>> = {
  default: `Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn`,
  stats: `Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port`,
  rate: `Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS
  -> RemoteAddress:Port`,
  thresholds: `Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn${' '}
  -> RemoteAddress:Port`,
  'persistent-conn': `Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn${' '}
  -> RemoteAddress:Port`,
  'tun-info': `Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn`,
};

/** Dotted netmask of a prefix length, or the given non-contiguous mask. */
const maskText = ({netmask, mask}: Service): string =>
  mask ?? [0, 8, 16, 24].map((bit) => 256 - 2 ** (8 - Math.min(8, Math.max(0, netmask - bit)))).join('.');

/** The persistence mask, unless it is a host mask. */
function oddMask(service: Service): string | undefined {
  const {key, netmask, mask} = service;
  if (key.family === 6) return netmask === 128 ? undefined : String(netmask);
  return netmask === 32 && mask === undefined ? undefined : maskText(service);
}

/** The mark as the signed number that ipvsadm prints. */
const markText = (mark: number): string => String(mark | 0);

function serviceName({key}: Service, names: ShownNames | undefined): {prefix: string; name: string} {
  if (key.kind === 'fwmark')
    return {prefix: 'FWM  ', name: `${markText(key.mark)}${key.family === 6 ? ' IPv6' : ''}`};
  return {
    prefix: key.protocol.toUpperCase().padEnd(5),
    name: columnText(key.address, key.port, key.protocol, names),
  };
}

function serviceLine(observed: ObservedService, format: ListFormat, names: ShownNames | undefined): string {
  const {service} = observed;
  const {prefix, name} = serviceName(service, names);
  if (format.columns === 'stats' || format.columns === 'rate')
    return prefix + name.padEnd(NAME) + counters(observed.statistics, format);
  const flags = writeFlags(service.flags, service.scheduler);
  const mask = oddMask(service);
  const anyFlag = service.flags.flag1 || service.flags.flag2 || service.flags.flag3;
  return [
    `${prefix}${name} ${service.scheduler}`,
    anyFlag ? ` (${flags})` : '',
    service.persistent === undefined ? '' : ` persistent ${service.persistent}`,
    service.persistent === undefined || mask === undefined ? '' : ` mask ${mask}`,
    service.persistenceEngine === undefined || service.persistent === undefined
      ? ''
      : ` pe ${service.persistenceEngine}`,
    service.flags.ops ? ' ops' : '',
  ].join('');
}

function tunnelText({forward, tunnel}: Destination): string {
  if (forward !== 'ipip') return 'n/a';
  if (!tunnel) return 'ipip';
  const checksum = {none: '-c', full: '+c', remote: 'r+c'}[tunnel.checksum];
  return tunnel.type === 'gue' ? `gue:${tunnel.port}:${checksum}` : `gre:${checksum}`;
}

function destinationLine(
  observed: ObservedDestination,
  service: Service,
  format: ListFormat,
  names: ShownNames | undefined,
): string {
  const protocol = service.key.kind === 'address' ? service.key.protocol : undefined;
  const name = `  -> ${columnText(observed.address, observed.port, protocol, names).padEnd(NAME)}`;
  const column = (value: number | string, width: number): string => `${String(value).padEnd(width)} `;
  const connections =
    column(observed.activeConnections, 10) + String(observed.inactiveConnections).padEnd(10);
  const forward = column(forwards[observed.forward], 7);
  switch (format.columns) {
    case 'stats':
    case 'rate':
      return name + counters(observed.statistics, format);
    case 'thresholds':
      return `${name} ${column(observed.upperThreshold, 10)}${column(observed.lowerThreshold, 10)}${connections}`;
    case 'persistent-conn':
      return `${name} ${column(observed.weight, 9)}${column(observed.persistentConnections, 11)}${connections}`;
    case 'tun-info':
      return `${name} ${forward}${column(tunnelText(observed), 13)}${column(observed.weight, 6)}${connections}`;
    case 'default':
      return `${name} ${forward}${column(observed.weight, 6)}${connections}`;
  }
}

const sorted = (services: readonly ObservedService[]): readonly ObservedService[] =>
  mergeSort(services, (left, right) => compareServices(left.service, right.service)).map((observed) => ({
    ...observed,
    destinations: mergeSort(observed.destinations, compareDestinations),
  }));

const lines = (list: readonly string[]): string => list.map((line) => `${line}\n`).join('');

/** `ipvsadm -L`; `whole`: of all services, headed by the version. `names` undefined: `-n`. */
export function renderList(
  snapshot: Snapshot,
  whole: boolean,
  format: ListFormat,
  names: ShownNames | undefined,
): string {
  const {version, tableSize, services} = snapshot;
  return lines([
    ...(whole ? [`IP Virtual Server version ${version} (size=${tableSize})`] : []),
    titles[format.columns],
    ...(format.sort ? sorted(services) : services).flatMap((observed) => [
      serviceLine(observed, format, names),
      ...observed.destinations.map((destination) =>
        destinationLine(destination, observed.service, format, names),
      ),
    ]),
  ]);
}

/** `-t 10.0.0.1:80`, a service in `-S` output. */
function keyOption({key}: Service, names: ShownNames | undefined): string {
  if (key.kind === 'fwmark') return `-f ${markText(key.mark)}${key.family === 6 ? ' -6' : ''}`;
  return `${serviceOptions[key.protocol]} ${endpointText(key.address, key.port, key.protocol, names)}`;
}

function saveService(service: Service, names: ShownNames | undefined): string {
  const {scheduler, flags, persistent, persistenceEngine} = service;
  const mask = oddMask(service);
  return [
    `-A ${keyOption(service, names)} -s ${scheduler}`,
    persistent === undefined ? '' : ` -p ${persistent}`,
    persistent === undefined || mask === undefined ? '' : ` -M ${mask}`,
    persistenceEngine === undefined ? '' : ` --pe ${persistenceEngine}`,
    flags.ops ? ' -o' : '',
    flags.flag1 || flags.flag2 || flags.flag3 ? ` -b ${writeFlags(flags, scheduler)}` : '',
  ].join('');
}

function saveDestination(destination: Destination, service: Service, names: ShownNames | undefined): string {
  const protocol = service.key.kind === 'address' ? service.key.protocol : undefined;
  const {tunnel} = destination;
  const checksum =
    tunnel && {none: '--tun-nocsum', full: '--tun-csum', remote: '--tun-remcsum'}[tunnel.checksum];
  return [
    `-a ${keyOption(service, names)} -r ${endpointText(destination.address, destination.port, protocol, names)}`,
    ` ${forwardOptions[destination.forward]} -w ${destination.weight}`,
    destination.forward === 'ipip' ? ` --tun-type ${tunnel?.type ?? 'ipip'}` : '',
    tunnel?.type === 'gue' ? ` --tun-port ${tunnel.port}` : '',
    checksum === undefined ? '' : ` ${checksum}`,
  ].join('');
}

/** `ipvsadm -S`: the input format of `-R`. Like ipvsadm 1.31, omits the thresholds. */
export function renderSave(services: readonly ObservedService[], names: ShownNames | undefined): string {
  return lines(
    sorted(services).flatMap(({service, destinations}) => [
      saveService(service, names),
      ...destinations.map((destination) => saveDestination(destination, service, names)),
    ]),
  );
}

export const renderTimeouts = ({tcp, tcpFin, udp}: Timeouts): string =>
  `Timeout (tcp tcpfin udp): ${tcp} ${tcpFin} ${udp}\n`;

/** `ipvsadm -L --daemon`: the master first. */
export const renderDaemons = (daemons: readonly SyncDaemon[]): string =>
  lines(
    daemons.map(
      ({role, interface: device, syncid, maxlen, group, port, ttl}) =>
        `${role} sync daemon (mcast=${device}, syncid=${syncid}, maxlen=${maxlen ?? 0}, ` +
        `group=${writeIpv6(group ?? '')}, port=${port ?? 0}, ttl=${ttl ?? 0})`,
    ),
  );
