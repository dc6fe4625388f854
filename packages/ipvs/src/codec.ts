/** Services, destinations and daemons as attributes of the generic netlink family IPVS, both ways. Pure. */
import {
  addressBytes,
  addressText,
  attribute,
  Attributes,
  be16Attribute,
  nestedAttribute,
  readString,
  stringAttribute,
  u16Attribute,
  u32Attribute,
} from '@hactl/net';
import * as c from './constants.ts';
import type {
  Destination,
  Family,
  Forward,
  ObservedDestination,
  Service,
  ServiceKey,
  Statistics,
  SyncDaemon,
  Transport,
  Tunnel,
} from './model.ts';

const familyNumber = (family: Family): number => (family === 4 ? c.AF_INET : c.AF_INET6);

/** union nf_inet_addr is 16 octets whatever the family. */
const paddedAddress = (address: string): Buffer => {
  const bytes = Buffer.alloc(16);
  bytes.set(addressBytes(address));
  return bytes;
};

const keyAttributes = (key: ServiceKey): Buffer[] =>
  key.kind === 'fwmark'
    ? [u16Attribute(c.service.AF, familyNumber(key.family)), u32Attribute(c.service.FWMARK, key.mark)]
    : [
        u16Attribute(c.service.AF, familyNumber(key.family)),
        u16Attribute(c.service.PROTOCOL, c.protocol[key.protocol]),
        attribute(c.service.ADDR, paddedAddress(key.address)),
        be16Attribute(c.service.PORT, key.port),
      ];

/** The nested attribute that names a service. */
export const encodeKey = (key: ServiceKey): Buffer => nestedAttribute(c.top.SERVICE, keyAttributes(key));

/** A prefix length in the kernel's form: a mask in network order for IPv4, the length itself for IPv6. */
const netmaskAttribute = (family: Family, prefix: number, text: string | undefined): Buffer => {
  if (family === 6) return u32Attribute(c.service.NETMASK, prefix);
  if (text !== undefined) return attribute(c.service.NETMASK, addressBytes(text));
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0);
  return attribute(c.service.NETMASK, mask);
};

const flagBits = ({flags, persistent}: Service): number =>
  (persistent === undefined ? 0 : c.flag.PERSISTENT) |
  (flags.ops ? c.flag.ONEPACKET : 0) |
  (flags.flag1 ? c.flag.SCHED1 : 0) |
  (flags.flag2 ? c.flag.SCHED2 : 0) |
  (flags.flag3 ? c.flag.SCHED3 : 0);

/** A whole service, for NEW_SERVICE and SET_SERVICE. */
export function encodeService(service: Service): Buffer {
  const flags = Buffer.alloc(8);
  flags.writeUInt32LE(flagBits(service), 0);
  flags.writeUInt32LE(0xffff_ffff, 4);
  return nestedAttribute(c.top.SERVICE, [
    ...keyAttributes(service.key),
    stringAttribute(c.service.SCHED_NAME, service.scheduler),
    ...(service.persistenceEngine === undefined
      ? []
      : [stringAttribute(c.service.PE_NAME, service.persistenceEngine)]),
    attribute(c.service.FLAGS, flags),
    u32Attribute(c.service.TIMEOUT, service.persistent ?? 0),
    netmaskAttribute(service.key.family, service.netmask, service.mask),
  ]);
}

const tunnelAttributes = (tunnel: Tunnel | undefined): Buffer[] =>
  tunnel === undefined
    ? []
    : [
        attribute(c.dest.TUN_TYPE, Buffer.from([c.tunnelType[tunnel.type]])),
        be16Attribute(c.dest.TUN_PORT, tunnel.port),
        u16Attribute(c.dest.TUN_FLAGS, c.tunnelChecksum[tunnel.checksum]),
      ];

/** A destination; `whole: false` only identifies it, for DEL_DEST. */
export function encodeDestination(destination: Destination, whole: boolean): Buffer {
  return nestedAttribute(c.top.DEST, [
    u16Attribute(c.dest.ADDR_FAMILY, familyNumber(destination.family)),
    attribute(c.dest.ADDR, paddedAddress(destination.address)),
    be16Attribute(c.dest.PORT, destination.port),
    ...(whole
      ? [
          u32Attribute(c.dest.FWD_METHOD, c.forward[destination.forward]),
          u32Attribute(c.dest.WEIGHT, destination.weight),
          u32Attribute(c.dest.U_THRESH, destination.upperThreshold),
          u32Attribute(c.dest.L_THRESH, destination.lowerThreshold),
          ...tunnelAttributes(destination.tunnel),
        ]
      : []),
  ]);
}

/** A sync daemon; for DEL_DAEMON the state is enough. */
export function encodeDaemon(daemon: SyncDaemon | {readonly role: SyncDaemon['role']}): Buffer {
  const parts = [u32Attribute(c.daemon.STATE, c.state[daemon.role])];
  if ('interface' in daemon) {
    parts.push(
      stringAttribute(c.daemon.MCAST_IFN, daemon.interface),
      u32Attribute(c.daemon.SYNC_ID, daemon.syncid),
    );
    if (daemon.maxlen !== undefined) parts.push(u16Attribute(c.daemon.SYNC_MAXLEN, daemon.maxlen));
    if (daemon.group !== undefined) {
      const bytes = addressBytes(daemon.group);
      parts.push(attribute(bytes.length === 4 ? c.daemon.MCAST_GROUP : c.daemon.MCAST_GROUP6, bytes));
    }
    if (daemon.port !== undefined) parts.push(u16Attribute(c.daemon.MCAST_PORT, daemon.port));
    if (daemon.ttl !== undefined) parts.push(attribute(c.daemon.MCAST_TTL, Buffer.from([daemon.ttl])));
  }
  return nestedAttribute(c.top.DAEMON, parts);
}

const familyOf = (number: number): Family => (number === c.AF_INET6 ? 6 : 4);
const addressOf = (bytes: Buffer | undefined, family: Family): string =>
  addressText((bytes ?? Buffer.alloc(16)).subarray(0, family === 4 ? 4 : 16));

const transports: Readonly<Record<number, Transport>> = {6: 'tcp', 17: 'udp', 132: 'sctp'};

/** Counts the set bits: a mask's prefix length. */
const maskLength = (bytes: Buffer): number =>
  [...bytes].reduce((bits, octet) => bits + (octet.toString(2).match(/1/g)?.length ?? 0), 0);

/** From one of the two forms: old kernels have counters of 32 bits only. */
function readStatistics(found: Attributes, wide: number, narrow: number): Statistics {
  const counters = found.nested(found.has(wide) ? wide : narrow);
  const value = (type: number): bigint => counters.counter(type);
  return {
    connections: value(1),
    packetsIn: value(2),
    packetsOut: value(3),
    bytesIn: value(4),
    bytesOut: value(5),
    connectionsPerSecond: value(6),
    packetsInPerSecond: value(7),
    packetsOutPerSecond: value(8),
    bytesInPerSecond: value(9),
    bytesOutPerSecond: value(10),
  };
}

/** A contiguous mask is a prefix length; any other is kept as text. */
const oddMask = (bytes: Buffer): {mask?: string} =>
  /^1*0*$/.test([...bytes].map((octet) => octet.toString(2).padStart(8, '0')).join(''))
    ? {}
    : {mask: addressText(bytes)};

/** Reads the answer to GET_SERVICE (attributes behind the generic netlink header). */
export function decodeService(bytes: Buffer): {service: Service; statistics: Statistics} | undefined {
  const outer = new Attributes(bytes);
  if (!outer.has(c.top.SERVICE)) return undefined;
  const found = outer.nested(c.top.SERVICE);
  const family = familyOf(found.u16(c.service.AF));
  const bits = found.u32(c.service.FLAGS);
  const netmask = found.get(c.service.NETMASK) ?? Buffer.alloc(4);
  const engine = found.get(c.service.PE_NAME);
  const key: ServiceKey = found.has(c.service.FWMARK)
    ? {kind: 'fwmark', family, mark: found.u32(c.service.FWMARK)}
    : {
        kind: 'address',
        family,
        protocol: transports[found.u16(c.service.PROTOCOL)] ?? 'tcp',
        address: addressOf(found.get(c.service.ADDR), family),
        port: found.be16(c.service.PORT),
      };
  return {
    service: {
      key,
      scheduler: readString(found.get(c.service.SCHED_NAME) ?? Buffer.alloc(0)),
      flags: {
        ops: (bits & c.flag.ONEPACKET) !== 0,
        flag1: (bits & c.flag.SCHED1) !== 0,
        flag2: (bits & c.flag.SCHED2) !== 0,
        flag3: (bits & c.flag.SCHED3) !== 0,
      },
      ...((bits & c.flag.PERSISTENT) === 0 ? {} : {persistent: found.u32(c.service.TIMEOUT)}),
      netmask: family === 6 ? found.u32(c.service.NETMASK) : maskLength(netmask),
      ...(family === 4 ? oddMask(netmask) : {}),
      ...(engine && readString(engine) !== '' ? {persistenceEngine: readString(engine)} : {}),
    },
    statistics: readStatistics(found, c.service.STATS64, c.service.STATS),
  };
}

const forwards: Readonly<Record<number, Forward>> = {
  [c.forward.masq]: 'masq',
  // A destination on this machine: whatever method was requested, the kernel delivers locally, as with gate.
  [c.forward.local]: 'gate',
  [c.forward.ipip]: 'ipip',
  [c.forward.gate]: 'gate',
};

function readTunnel(found: Attributes): {tunnel?: Tunnel} {
  const number = found.get(c.dest.TUN_TYPE)?.[0];
  const type = number === c.tunnelType.gue ? 'gue' : number === c.tunnelType.gre ? 'gre' : undefined;
  if (type === undefined) return {};
  const flags = found.u16(c.dest.TUN_FLAGS);
  return {
    tunnel: {
      type,
      port: found.be16(c.dest.TUN_PORT),
      checksum:
        (flags & c.tunnelChecksum.remote) !== 0
          ? 'remote'
          : (flags & c.tunnelChecksum.full) !== 0
            ? 'full'
            : 'none',
    },
  };
}

/** Reads one answer to GET_DEST. Old kernels omit the family: it is the service's. */
export function decodeDestination(bytes: Buffer, serviceFamily: Family): ObservedDestination | undefined {
  const outer = new Attributes(bytes);
  if (!outer.has(c.top.DEST)) return undefined;
  const found = outer.nested(c.top.DEST);
  const family = found.has(c.dest.ADDR_FAMILY) ? familyOf(found.u16(c.dest.ADDR_FAMILY)) : serviceFamily;
  return {
    family,
    address: addressOf(found.get(c.dest.ADDR), family),
    port: found.be16(c.dest.PORT),
    forward: forwards[found.u32(c.dest.FWD_METHOD) & c.forward.mask] ?? 'gate',
    weight: found.i32(c.dest.WEIGHT),
    upperThreshold: found.u32(c.dest.U_THRESH),
    lowerThreshold: found.u32(c.dest.L_THRESH),
    ...readTunnel(found),
    activeConnections: found.u32(c.dest.ACTIVE_CONNS),
    inactiveConnections: found.u32(c.dest.INACT_CONNS),
    persistentConnections: found.u32(c.dest.PERSIST_CONNS),
    statistics: readStatistics(found, c.dest.STATS64, c.dest.STATS),
  };
}

/** Reads one answer to GET_DAEMON. */
export function decodeDaemon(bytes: Buffer): SyncDaemon | undefined {
  const outer = new Attributes(bytes);
  if (!outer.has(c.top.DAEMON)) return undefined;
  const found = outer.nested(c.top.DAEMON);
  const number = found.u32(c.daemon.STATE);
  const role = number === c.state.master ? 'master' : number === c.state.backup ? 'backup' : undefined;
  if (role === undefined) return undefined;
  const group = found.get(c.daemon.MCAST_GROUP) ?? found.get(c.daemon.MCAST_GROUP6);
  const ttl = found.get(c.daemon.MCAST_TTL);
  return {
    role,
    interface: readString(found.get(c.daemon.MCAST_IFN) ?? Buffer.alloc(0)),
    syncid: found.u32(c.daemon.SYNC_ID),
    ...(found.has(c.daemon.SYNC_MAXLEN) ? {maxlen: found.u16(c.daemon.SYNC_MAXLEN)} : {}),
    ...(group ? {group: addressText(group)} : {}),
    ...(found.has(c.daemon.MCAST_PORT) ? {port: found.u16(c.daemon.MCAST_PORT)} : {}),
    ...(ttl ? {ttl: ttl[0] ?? 0} : {}),
  };
}
