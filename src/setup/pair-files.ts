/** The four files of a new pair. Pure. */
import {isIP} from 'node:net';
import type {PairPlan, PlannedServer, PlannedService, PlannedVip} from './choices.ts';

/** One file of the configuration directory. */
export interface NewFile {
  /** Relative to the configuration directory. */
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** Group and port of the first heartbeat path; the next one has the next group. */
const GROUP = 1;
const PORT = 694;

/** `secret`: the key of both directors. */
export function pairFiles(plan: PairPlan, secret: string): NewFile[] {
  return [
    {name: 'ha.cf', text: haCf(plan), mode: 0o644},
    {name: 'haresources', text: haresources(plan), mode: 0o644},
    {name: 'ldirectord.cf', text: ldirectordCf(plan), mode: 0o644},
    {
      name: 'authkeys',
      text: `# The key of both directors, made by hactl init.\nauth 1\n1 sha256 ${secret}\n`,
      mode: 0o600,
    },
  ];
}

const haCf = ({node, peer, devices}: PairPlan): string =>
  [
    '# The pair. Every directive: man hactl-ha.cf. Both directors have the same file, but for the names of interfaces.',
    `node ${[node, ...(peer === undefined ? [] : [peer])].join(' ')}`,
    ...(peer === undefined
      ? []
      : [
          '# Heartbeats: one path for each network between the directors.',
          ...devices.map((device, index) => `mcast ${device} 225.0.0.${GROUP + index} ${PORT} 1 0`),
        ]),
    '# An advert every 100 ms; the peer is dead after a second of silence.',
    'keepalive 100ms',
    'deadtime 1s',
    '# A director that comes back takes its address again, once it has the connections of its peer.',
    'auto_failback on',
    ...(peer === undefined
      ? []
      : ['# Connections are mirrored to the peer, encrypted with the key of authkeys.', 'hactl_sync relay']),
    '',
  ].join('\n');

const vipWord = ({address, prefixLength, device}: PlannedVip): string =>
  `${isIP(address) === 6 ? 'IPv6addr' : 'IPaddr2'}::${address}/${prefixLength}/${device}`;

const haresources = ({node, peer, vips, gateway}: PairPlan): string =>
  [
    '# The director that serves in good times, the virtual services, the addresses.',
    ...(gateway === undefined ? [] : [`# ${gateway.address} is the default route of the real servers.`]),
    [
      node,
      'ldirectord::ldirectord.cf',
      ...(peer === undefined ? [] : ['LVSSyncDaemonSwap::master']),
      ...vips.map(vipWord),
      ...(gateway === undefined ? [] : [vipWord(gateway)]),
    ].join(' '),
    '',
  ].join('\n');

const endpoint = (address: string, port: number): string =>
  `${isIP(address) === 6 ? `[${address}]` : address}:${port}`;

const ldirectordCf = (plan: PairPlan): string =>
  [
    '# The virtual services and their real servers. Every directive: docs/ldirectord.md.',
    'checkinterval=1',
    'checktimeout=3',
    ...plan.vips.flatMap((vip) => plan.services.flatMap((service) => virtual(plan, vip, service))),
    '',
  ].join('\n');

/** The default check of a service: its protocol if that needs no further settings, else a connect check. */
function checkLines({port, protocol}: PlannedService): string[] {
  if (protocol === 'udp') return ['checktype=ping'];
  if (port === 80 || port === 443)
    return ['checktype=negotiate', `service=${port === 80 ? 'http' : 'https'}`, 'request="/"'];
  return ['checktype=connect'];
}

function virtual({servers, method}: PairPlan, vip: PlannedVip, service: PlannedService): string[] {
  const six = isIP(vip.address) === 6 ? '6' : '';
  const real = ({address, port}: PlannedServer): string =>
    `real${six}=${endpoint(address, port || service.port)} ${method}`;
  return [
    '',
    `virtual${six}=${endpoint(vip.address, service.port)}`,
    ...[...servers.map(real), `protocol=${service.protocol}`, 'scheduler=wlc', ...checkLines(service)].map(
      (line) => `\t${line}`,
    ),
  ];
}
