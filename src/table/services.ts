/**
 * Translates ldirectord's configuration into checks and into IPVS services, in one place. Pure.
 */
import type {CheckSpec} from '@hactl/checks';
import {virtualName, type FallbackServer, type RealServer, type VirtualService} from '@hactl/config';
import type {Destination, Service, ServiceKey} from '@hactl/ipvs';

/** ldirectord's well-known port of each service, used when neither checkport nor the real server has one. */
const servicePorts: Readonly<Record<string, number>> = {
  ftp: 21,
  smtp: 25,
  dns: 53,
  http: 80,
  pop: 110,
  nntp: 119,
  imap: 143,
  ldap: 389,
  https: 443,
  submission: 587,
  ldaps: 636,
  imaps: 993,
  pops: 995,
  oracle: 1521,
  radius: 1812,
  http_proxy: 3128,
  mysql: 3306,
  sip: 5060,
  pgsql: 5432,
};

const withPort = (family: 4 | 6, address: string, port: number): string =>
  family === 6 ? `[${address}]:${port}` : `${address}:${port}`;

export {virtualName};

/** The same name as config's virtualName, from a kernel service. */
export function serviceName(key: ServiceKey): string {
  if (key.kind === 'fwmark') return key.family === 6 ? `fwm6 ${key.mark}` : `fwm ${key.mark}`;
  return `${key.protocol} ${withPort(key.family, key.address, key.port)}`;
}

/** The display name of a real server. */
export function realName(real: {readonly address: string; readonly port: number}): string {
  return withPort(real.address.includes(':') ? 6 : 4, real.address, real.port);
}

/** The key of a virtual service in the kernel. */
export function serviceKey(virtual: VirtualService): ServiceKey {
  const {address} = virtual;
  if (address.kind === 'fwmark') return {kind: 'fwmark', family: address.family, mark: address.mark};
  const {family, protocol, port} = address;
  return {kind: 'address', family, protocol, address: address.address, port};
}

const prefixLength = (netmask: string | undefined, family: 4 | 6): number => {
  if (netmask === undefined) return family === 4 ? 32 : 128;
  if (family === 6) return Number(netmask);
  return netmask
    .split('.')
    .reduce((bits, octet) => bits + (Number(octet).toString(2).match(/1/g)?.length ?? 0), 0);
};

/** The kernel's service for a virtual service. `schedflags` follow ipvsadm -b: flag-1/2/3, or the names of sh and mh. */
export function serviceOf(virtual: VirtualService): Service {
  const flags = new Set((virtual.schedFlags ?? '').split(',').map((flag) => flag.trim()));
  const key = serviceKey(virtual);
  return {
    key,
    scheduler: virtual.scheduler,
    flags: {
      ops: virtual.ops,
      flag1: flags.has('flag-1') || flags.has('sh-fallback') || flags.has('mh-fallback'),
      flag2: flags.has('flag-2') || flags.has('sh-port') || flags.has('mh-port'),
      flag3: flags.has('flag-3'),
    },
    ...(virtual.persistent === undefined ? {} : {persistent: virtual.persistent}),
    netmask: prefixLength(virtual.netmask, key.family),
  };
}

/** The virtual service's port; a firewall mark has none. */
const virtualPort = (virtual: VirtualService): number =>
  virtual.address.kind === 'address' ? virtual.address.port : 0;

/**
 * With gate and ipip the packet arrives unchanged, so the kernel's entry has the virtual service's port, whatever is
 * configured.
 */
const kernelPort = (virtual: VirtualService, server: RealServer | FallbackServer): number => {
  const port = virtualPort(virtual);
  if (virtual.address.kind === 'fwmark') return server.port;
  return server.method === 'masq' && server.port > 0 ? server.port : port;
};

/** The kernel's destination for a real server or for the fallback. */
export function destinationOf(virtual: VirtualService, server: RealServer | FallbackServer): Destination {
  return {
    family: server.address.includes(':') ? 6 : 4,
    address: server.address,
    port: kernelPort(virtual, server),
    forward: server.method,
    weight: server.weight,
    upperThreshold: 'upperThreshold' in server ? server.upperThreshold : 0,
    lowerThreshold: 'lowerThreshold' in server ? server.lowerThreshold : 0,
  };
}

/** The id of a check: stable across reloads, so that an unchanged real server keeps its verdict. */
export function checkId(virtual: VirtualService, real: RealServer): string {
  return `${virtualName(virtual)} > ${realName({address: real.address, port: real.port || virtualPort(virtual)})}`;
}

/** The virtual service's name in a check's id. */
export const virtualOfCheck = (check: string): string => check.slice(0, check.indexOf(' > '));

const optional = <Key extends string, Value>(key: Key, value: Value | undefined): {[K in Key]?: Value} =>
  value === undefined ? {} : ({[key]: value} as {[K in Key]?: Value});

/** The check specification of one real server of one virtual service. */
export function checkSpec(
  virtual: VirtualService,
  real: RealServer,
  initial: 'up' | 'down' | undefined,
): CheckSpec {
  const family = real.address.includes(':') ? 6 : 4;
  const port = virtualPort(virtual);
  const {check = {}} = real;
  const service = check.service ?? virtual.service;
  const ownCheck = check.checkType !== undefined || check.checkCommand !== undefined;
  const sendExpect = check.sendExpect ?? (check.service === undefined ? virtual.sendExpect : undefined);
  return {
    id: checkId(virtual, real),
    checkType: check.checkType ?? virtual.checkType,
    service,
    family,
    address: real.address,
    port: check.checkPort ?? virtual.checkPort ?? (real.port || port || servicePorts[service] || 0),
    protocol: virtual.address.kind === 'address' ? virtual.address.protocol : 'fwm',
    virtualAddress:
      virtual.address.kind === 'address' ? virtual.address.address : String(virtual.address.mark),
    virtualPort: port,
    realPort: real.port || port,
    checkCommand: check.checkCommand ?? virtual.checkCommand,
    checkTimeout: check.checkTimeout ?? virtual.checkTimeout,
    negotiateTimeout: check.checkTimeout ?? virtual.negotiateTimeout,
    checkInterval: virtual.checkInterval,
    checkCount: virtual.checkCount,
    failureCount: virtual.failureCount,
    httpMethod: virtual.httpMethod,
    ...optional('request', check.request ?? real.request ?? virtual.request),
    ...optional(
      'receive',
      check.receive ?? real.receive ?? (check.service === undefined ? virtual.receive : undefined),
    ),
    ...optional('virtualHost', check.virtualHost ?? virtual.virtualHost),
    ...optional('login', virtual.login),
    ...optional('passwd', virtual.passwd),
    ...optional('database', virtual.database),
    ...optional('mysqlKey', virtual.mysqlKey),
    ...optional('secret', virtual.secret),
    ...optional('statuses', check.statuses ?? (check.service === undefined ? virtual.statuses : undefined)),
    ...optional('sendExpect', sendExpect),
    ...optional('sendProgram', ownCheck ? undefined : virtual.sendProgram),
    ...optional('rise', virtual.rise),
    ...optional('initial', initial),
  };
}
