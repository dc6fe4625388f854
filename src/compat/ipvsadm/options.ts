/** All options of ipvsadm 1.31, and which of them each command accepts. Pure data. */

/** Options' names in ipvsadm's messages; of several illegal ones the first in this list is reported. */
export const kinds = [
  'numeric', 'connection', 'service-address', 'scheduler', 'persistent', 'netmask', 'real-server', 'forwarding-method',
  'weight', 'u-threshold', 'l-threshold', 'mcast-interface', 'timeout', 'daemon', 'stats', 'rate', 'thresholds',
  'persistent-conn', 'nosort', 'syncid', 'exact', 'ops', 'pe', 'sched-flags', 'mcast-group', 'mcast-port', 'mcast-ttl',
  'sync-maxlen', 'tun-info', 'tun-type', 'tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum',
] as const; // prettier-ignore

export type Kind = (typeof kinds)[number];

export type CommandName =
  | 'add-service' | 'edit-service' | 'delete-service' | 'flush' | 'restore' | 'save' | 'add-server' | 'edit-server'
  | 'delete-server' | 'list' | 'zero' | 'set' | 'start-daemon' | 'stop-daemon' | 'help' | 'version'; // prettier-ignore

export interface Option {
  readonly long: string;
  readonly short?: string;
  readonly value: 'none' | 'required' | 'optional';
  readonly command?: CommandName;
  /** Options without a kind (`--sort`, `-6`) are legal everywhere. */
  readonly kind?: Kind;
}

const command = (long: string, short: string | undefined, name: CommandName): Option => ({
  long,
  ...(short === undefined ? {} : {short}),
  value: name === 'start-daemon' || name === 'stop-daemon' ? 'required' : 'none',
  command: name,
});
const option = (
  long: string,
  short: string | undefined,
  value: Option['value'],
  kind: Kind | undefined = long as Kind,
): Option => ({
  long,
  ...(short === undefined ? {} : {short}),
  value,
  ...(kind === undefined ? {} : {kind}),
});

export const options: readonly Option[] = [
  command('add-service', 'A', 'add-service'),
  command('edit-service', 'E', 'edit-service'),
  command('delete-service', 'D', 'delete-service'),
  command('clear', 'C', 'flush'),
  command('restore', 'R', 'restore'),
  command('save', 'S', 'save'),
  command('add-server', 'a', 'add-server'),
  command('edit-server', 'e', 'edit-server'),
  command('delete-server', 'd', 'delete-server'),
  command('list', 'L', 'list'),
  command('list', 'l', 'list'),
  command('zero', 'Z', 'zero'),
  command('set', undefined, 'set'),
  command('start-daemon', undefined, 'start-daemon'),
  command('stop-daemon', undefined, 'stop-daemon'),
  command('help', 'h', 'help'),
  command('version', 'v', 'version'),
  option('tcp-service', 't', 'required', 'service-address'),
  option('udp-service', 'u', 'required', 'service-address'),
  option('sctp-service', undefined, 'required', 'service-address'),
  option('fwmark-service', 'f', 'required', 'service-address'),
  option('scheduler', 's', 'required'),
  option('persistent', 'p', 'optional'),
  option('netmask', 'M', 'required'),
  option('real-server', 'r', 'required'),
  option('masquerading', 'm', 'none', 'forwarding-method'),
  option('ipip', 'i', 'none', 'forwarding-method'),
  option('gatewaying', 'g', 'none', 'forwarding-method'),
  option('weight', 'w', 'required'),
  option('u-threshold', 'x', 'required'),
  option('l-threshold', 'y', 'required'),
  option('numeric', 'n', 'none'),
  option('connection', 'c', 'none'),
  option('timeout', undefined, 'none'),
  option('daemon', undefined, 'none'),
  option('stats', undefined, 'none'),
  option('rate', undefined, 'none'),
  option('thresholds', undefined, 'none'),
  option('persistent-conn', undefined, 'none'),
  option('nosort', undefined, 'none'),
  {long: 'sort', value: 'none'},
  option('exact', 'X', 'none'),
  {long: 'ipv6', short: '6', value: 'none'},
  option('ops', 'o', 'none'),
  option('pe', undefined, 'required'),
  option('sched-flags', 'b', 'required'),
  option('mcast-interface', undefined, 'required'),
  option('mcast-group', undefined, 'required'),
  option('mcast-port', undefined, 'required'),
  option('mcast-ttl', undefined, 'required'),
  option('syncid', undefined, 'required'),
  option('sync-maxlen', undefined, 'required'),
  option('tun-info', undefined, 'none'),
  option('tun-type', undefined, 'required'),
  option('tun-port', undefined, 'required'),
  option('tun-nocsum', undefined, 'none'),
  option('tun-csum', undefined, 'none'),
  option('tun-remcsum', undefined, 'none'),
];

interface Rules {
  /** Without one of these the command is refused, in this order. */
  readonly needed: readonly Kind[];
  readonly allowed: readonly Kind[];
}

const settings: readonly Kind[] = ['scheduler', 'persistent', 'netmask', 'ops', 'pe', 'sched-flags'];
const server: readonly Kind[] = [
  'forwarding-method', 'weight', 'u-threshold', 'l-threshold', 'tun-type', 'tun-port', 'tun-nocsum', 'tun-csum',
  'tun-remcsum',
]; // prettier-ignore
const none: Rules = {needed: [], allowed: []};

/** As in ipvsadm, oddities included: `-L` and `--stop-daemon` accept `--syncid` without effect. */
export const rules: Readonly<Record<CommandName, Rules>> = {
  'add-service': {needed: ['service-address'], allowed: settings},
  'edit-service': {needed: ['service-address'], allowed: settings},
  'delete-service': {needed: ['service-address'], allowed: []},
  flush: none,
  restore: none,
  save: {needed: [], allowed: ['numeric']},
  'add-server': {needed: ['service-address', 'real-server'], allowed: server},
  'edit-server': {needed: ['service-address', 'real-server'], allowed: server},
  'delete-server': {needed: ['service-address', 'real-server'], allowed: []},
  list: {
    needed: [],
    allowed: [
      'numeric', 'connection', 'service-address', 'timeout', 'daemon', 'stats', 'rate', 'thresholds', 'persistent-conn',
      'nosort', 'syncid', 'exact', 'tun-info',
    ], // prettier-ignore
  },
  zero: {needed: [], allowed: ['service-address']},
  set: none,
  'start-daemon': {
    needed: [],
    allowed: ['mcast-interface', 'syncid', 'mcast-group', 'mcast-port', 'mcast-ttl', 'sync-maxlen'],
  },
  'stop-daemon': {needed: [], allowed: ['syncid']},
  help: none,
  version: none,
};
