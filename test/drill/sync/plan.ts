/** Addresses, services, and the configuration files of both kinds of directors. Pure. */

export const VIP = '10.99.0.100';
export const VIP6 = 'fd00:99::100';
/** Gateways of the real servers behind the directors. */
export const GATEWAY = '10.98.0.1';
export const GATEWAY6 = 'fd00:98::1';
/** Several client addresses: persistence is by address. */
export const clientAddresses: readonly string[] = Array.from(
  {length: 9},
  (_, at) => `10.99.0.${10 + at + (at > 0 ? 10 : 0)}`,
);

export interface Service {
  readonly name: string;
  readonly family: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly method: 'gate' | 'masq';
  /** Seconds. */
  readonly persistent?: number;
}

/** Services for the comparison with keepalived. */
export const basic: readonly Service[] = [
  {name: 'LVS-DR', family: 4, protocol: 'tcp', port: 7000, method: 'gate'},
  {name: 'LVS-NAT', family: 4, protocol: 'tcp', port: 7001, method: 'masq'},
];
/** Services with slow answers. */
export const slow: readonly Service[] = [
  {name: 'DR', family: 4, protocol: 'tcp', port: 7010, method: 'gate'},
  {name: 'NAT', family: 4, protocol: 'tcp', port: 7011, method: 'masq'},
];
export const services: readonly Service[] = [
  ...basic,
  {name: 'persistent', family: 4, protocol: 'tcp', port: 7002, method: 'gate', persistent: 300},
  {name: 'UDP, LVS-DR', family: 4, protocol: 'udp', port: 7003, method: 'gate'},
  {name: 'UDP, LVS-NAT', family: 4, protocol: 'udp', port: 7004, method: 'masq'},
  {name: 'IPv6, LVS-DR', family: 6, protocol: 'tcp', port: 7000, method: 'gate'},
  {name: 'IPv6, LVS-NAT', family: 6, protocol: 'tcp', port: 7001, method: 'masq'},
];

export const serviceNamed = (name: string): Service => {
  const found = services.find((one) => one.name === name);
  if (!found) throw new Error(`no service ${name}`);
  return found;
};

export const realsOf = ({family, method}: Service): string[] => {
  const v4 = method === 'gate' ? '10.99.0' : '10.98.0';
  const v6 = method === 'gate' ? 'fd00:99:' : 'fd00:98:';
  return [11, 12].map((place) => (family === 4 ? `${v4}.${place}` : `[${v6}:${place}]`));
};

/** hactl's sync settings: `hactl_sync` and `hactl_sync_delay`. */
export interface SyncWay {
  readonly mode: string;
  readonly delay: string;
}

/** hactl's files: those of heartbeat and ldirectord. */
export function hactlFiles(
  {mode, delay}: SyncWay,
  served: readonly Service[],
): Record<'ha.cf' | 'haresources' | 'authkeys' | 'ldirectord.cf', string> {
  return {
    'ha.cf': `keepalive 1
deadtime 10
initdead 10
mcast eth0 225.0.0.1 694 1 0
bcast eth2
auto_failback on
node director1
node director2
hactl_sync ${mode}
hactl_sync_delay ${delay}
hactl_sync_deadline 600
`,
    haresources:
      'director1 ldirectord::ldirectord.cf LVSSyncDaemonSwap::master::eth2::7 ' +
      `IPaddr2::${VIP}/24/eth0 IPaddr2::${GATEWAY}/24/eth1 IPv6addr::${VIP6}/64/eth0 IPv6addr::${GATEWAY6}/64/eth1\n`,
    authkeys: 'auth 1\n1 sha1 a-secret-of-the-drill\n',
    'ldirectord.cf': `checktimeout=20
checkinterval=5
quiescent=yes
${served.map(block).join('')}`,
  };
}

function block(service: Service): string {
  const six = service.family === 6 ? '6' : '';
  const lines = [
    ...realsOf(service).map((real) => `real${six}=${real}:${service.port} ${service.method}`),
    `checktype=${service.protocol === 'udp' ? 'on' : 'connect'}`,
    'scheduler=rr',
    `protocol=${service.protocol}`,
    ...(service.persistent === undefined ? [] : [`persistent=${service.persistent}`]),
  ];
  return `virtual${six}=${service.family === 6 ? `[${VIP6}]` : VIP}:${service.port}\n${lines.map((line) => `\t${line}\n`).join('')}`;
}

/** keepalived.conf with connection sync and preemption; the delay is in seconds, 0 for none. */
export function keepalivedConf(
  preferred: boolean,
  preemptDelay: number,
  served: readonly Service[] = basic,
): string {
  const virtuals = served.map(
    (service) => `virtual_server ${VIP} ${service.port} {
  delay_loop 5
  lb_algo rr
  lb_kind ${service.method === 'gate' ? 'DR' : 'NAT'}
  protocol TCP
${realsOf(service)
  .map(
    (real) => `  real_server ${real} ${service.port} {
    weight 1
    TCP_CHECK {
      connect_timeout 20
    }
  }
`,
  )
  .join('')}}
`,
  );
  return `global_defs {
  vrrp_version 3
  vrrp_rt_priority 50
  vrrp_min_garp true
  lvs_sync_daemon eth2 pair id 7
}
vrrp_instance pair {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${preferred ? 150 : 100}
  advert_int 0.5
${preemptDelay > 0 ? `  preempt_delay ${preemptDelay}\n` : ''}  virtual_ipaddress {
    ${VIP}/24 dev eth0
    ${GATEWAY}/24 dev eth1
  }
}
${virtuals.join('')}`;
}
