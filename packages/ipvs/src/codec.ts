/** Services, destinations and daemons as attributes of the generic netlink family IPVS, both ways. Pure. */
import {
  addressBytes,
  addressText,
  attribute,
  be16Attribute,
  nestedAttribute,
  readAttributes,
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

const u16 = (bytes: Buffer | undefined): number => bytes?.readUInt16LE(0) ?? 0;
const u32 = (bytes: Buffer | undefined): number => bytes?.readUInt32LE(0) ?? 0;
const familyOf = (number: number): Family => (number === c.AF_INET6 ? 6 : 4);
const addressOf = (bytes: Buffer | undefined, family: Family): string =>
  addressText((bytes ?? Buffer.alloc(16)).subarray(0, family === 4 ? 4 : 16));

const transports: Readonly<Record<number, Transport>> = {6: 'tcp', 17: 'udp', 132: 'sctp'};

/** Counts the set bits: a mask's prefix length. */
const maskLength = (bytes: Buffer): number =>
  [...bytes].reduce((bits, octet) => bits + (octet.toString(2).match(/1/g)?.length ?? 0), 0);

function readStatistics(wide: Buffer | undefined, narrow: Buffer | undefined): Statistics {
  const found = readAttributes(wide ?? narrow ?? Buffer.alloc(0));
  const value = (type: number): bigint => {
    const bytes = found.get(type);
    if (!bytes) return 0n;
    return bytes.length >= 8 ? bytes.readBigUInt64LE(0) : BigInt(bytes.readUInt32LE(0));
  };
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
  const nested = readAttributes(bytes).get(c.top.SERVICE);
  if (!nested) return undefined;
  const found = readAttributes(nested);
  const family = familyOf(u16(found.get(c.service.AF)));
  const mark = found.get(c.service.FWMARK);
  const bits = u32(found.get(c.service.FLAGS));
  const netmask = found.get(c.service.NETMASK) ?? Buffer.alloc(4);
  const engine = found.get(c.service.PE_NAME);
  const key: ServiceKey = mark
    ? {kind: 'fwmark', family, mark: u32(mark)}
    : {
        kind: 'address',
        family,
        protocol: transports[u16(found.get(c.service.PROTOCOL))] ?? 'tcp',
        address: addressOf(found.get(c.service.ADDR), family),
        port: found.get(c.service.PORT)?.readUInt16BE(0) ?? 0,
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
      ...((bits & c.flag.PERSISTENT) === 0 ? {} : {persistent: u32(found.get(c.service.TIMEOUT))}),
      netmask: family === 6 ? u32(netmask) : maskLength(netmask),
      ...(family === 4 ? oddMask(netmask) : {}),
      ...(engine && readString(engine) !== '' ? {persistenceEngine: readString(engine)} : {}),
    },
    statistics: readStatistics(found.get(c.service.STATS64), found.get(c.service.STATS)),
  };
}

const forwards: Readonly<Record<number, Forward>> = {
  [c.forward.masq]: 'masq',
  // A destination on this machine: whatever method was requested, the kernel delivers locally, as with gate.
  [c.forward.local]: 'gate',
  [c.forward.ipip]: 'ipip',
  [c.forward.gate]: 'gate',
};

function readTunnel(found: ReadonlyMap<number, Buffer>): {tunnel?: Tunnel} {
  const number = found.get(c.dest.TUN_TYPE)?.[0];
  const type = number === c.tunnelType.gue ? 'gue' : number === c.tunnelType.gre ? 'gre' : undefined;
  if (type === undefined) return {};
  const flags = u16(found.get(c.dest.TUN_FLAGS));
  return {
    tunnel: {
      type,
      port: found.get(c.dest.TUN_PORT)?.readUInt16BE(0) ?? 0,
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
  const nested = readAttributes(bytes).get(c.top.DEST);
  if (!nested) return undefined;
  const found = readAttributes(nested);
  const written = found.get(c.dest.ADDR_FAMILY);
  const family = written ? familyOf(u16(written)) : serviceFamily;
  return {
    family,
    address: addressOf(found.get(c.dest.ADDR), family),
    port: found.get(c.dest.PORT)?.readUInt16BE(0) ?? 0,
    forward: forwards[u32(found.get(c.dest.FWD_METHOD)) & c.forward.mask] ?? 'gate',
    weight: found.get(c.dest.WEIGHT)?.readInt32LE(0) ?? 0,
    upperThreshold: u32(found.get(c.dest.U_THRESH)),
    lowerThreshold: u32(found.get(c.dest.L_THRESH)),
    ...readTunnel(found),
    activeConnections: u32(found.get(c.dest.ACTIVE_CONNS)),
    inactiveConnections: u32(found.get(c.dest.INACT_CONNS)),
    persistentConnections: u32(found.get(c.dest.PERSIST_CONNS)),
    statistics: readStatistics(found.get(c.dest.STATS64), found.get(c.dest.STATS)),
  };
}

/** Reads one answer to GET_DAEMON. */
export function decodeDaemon(bytes: Buffer): SyncDaemon | undefined {
  const nested = readAttributes(bytes).get(c.top.DAEMON);
  if (!nested) return undefined;
  const found = readAttributes(nested);
  const number = u32(found.get(c.daemon.STATE));
  const role = number === c.state.master ? 'master' : number === c.state.backup ? 'backup' : undefined;
  if (role === undefined) return undefined;
  const group = found.get(c.daemon.MCAST_GROUP) ?? found.get(c.daemon.MCAST_GROUP6);
  const [maxlen, port, ttl] = [
    found.get(c.daemon.SYNC_MAXLEN),
    found.get(c.daemon.MCAST_PORT),
    found.get(c.daemon.MCAST_TTL),
  ];
  return {
    role,
    interface: readString(found.get(c.daemon.MCAST_IFN) ?? Buffer.alloc(0)),
    syncid: u32(found.get(c.daemon.SYNC_ID)),
    ...(maxlen ? {maxlen: u16(maxlen)} : {}),
    ...(group ? {group: addressText(group)} : {}),
    ...(port ? {port: u16(port)} : {}),
    ...(ttl ? {ttl: ttl[0] ?? 0} : {}),
  };
}
