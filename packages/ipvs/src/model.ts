/** The IPVS model: services, destinations, and the kernel's counters. */

export type Family = 4 | 6;
export type Transport = 'tcp' | 'udp' | 'sctp';
export type Forward = 'gate' | 'masq' | 'ipip';

/** The key of a virtual service. */
export type ServiceKey =
  | {readonly kind: 'address'; readonly family: Family; readonly protocol: Transport; readonly address: string; readonly port: number}
  | {readonly kind: 'fwmark'; readonly family: Family; readonly mark: number};

/** Scheduler flags, by ipvsadm's neutral names (flag-1 is sh-fallback or mh-fallback, flag-2 sh-port or mh-port). */
export interface ServiceFlags {
  readonly ops: boolean;
  readonly flag1: boolean;
  readonly flag2: boolean;
  readonly flag3: boolean;
}

export interface Service {
  readonly key: ServiceKey;
  readonly scheduler: string;
  readonly flags: ServiceFlags;
  /** Seconds; undefined: not persistent. */
  readonly persistent?: number;
  /** Prefix length of the persistence granularity (32 / 128: every client alone). */
  readonly netmask: number;
  /** A non-contiguous IPv4 mask (ipvsadm reads `-M 24` as 0.0.0.24); it replaces `netmask`. */
  readonly mask?: string;
  /** Persistence engine, `sip`. */
  readonly persistenceEngine?: string;
}

/** The encapsulation of an `ipip` destination, if not plain IP-in-IP. */
export interface Tunnel {
  readonly type: 'gue' | 'gre';
  /** UDP port of GUE; 0 with GRE. */
  readonly port: number;
  readonly checksum: 'none' | 'full' | 'remote';
}

export interface Destination {
  readonly family: Family;
  readonly address: string;
  readonly port: number;
  readonly forward: Forward;
  readonly weight: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  readonly tunnel?: Tunnel;
}

/** A service with its destinations: the unit of planning. */
export interface VirtualTable {
  readonly service: Service;
  readonly destinations: readonly Destination[];
}

export interface Statistics {
  readonly connections: bigint;
  readonly packetsIn: bigint;
  readonly packetsOut: bigint;
  readonly bytesIn: bigint;
  readonly bytesOut: bigint;
  readonly connectionsPerSecond: bigint;
  readonly packetsInPerSecond: bigint;
  readonly packetsOutPerSecond: bigint;
  readonly bytesInPerSecond: bigint;
  readonly bytesOutPerSecond: bigint;
}

/** Identity plus observed counters, as the kernel reports them. */
export interface ObservedDestination extends Destination {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly persistentConnections: number;
  readonly statistics: Statistics;
}

export interface ObservedService {
  readonly service: Service;
  readonly statistics: Statistics;
  readonly destinations: readonly ObservedDestination[];
}

/** Seconds; 0 in a set leaves a value as it is. */
export interface Timeouts {
  readonly tcp: number;
  readonly tcpFin: number;
  readonly udp: number;
}

export type SyncRole = 'master' | 'backup';

export interface SyncDaemon {
  readonly role: SyncRole;
  readonly interface: string;
  readonly syncid: number;
  readonly maxlen?: number;
  readonly group?: string;
  readonly port?: number;
  readonly ttl?: number;
}

/** One change of the kernel's table, in the order in which `plan` lists them. */
export type Operation =
  | {readonly type: 'new-service'; readonly service: Service}
  | {readonly type: 'set-service'; readonly service: Service}
  | {readonly type: 'del-service'; readonly key: ServiceKey}
  | {readonly type: 'new-dest'; readonly key: ServiceKey; readonly destination: Destination}
  | {readonly type: 'set-dest'; readonly key: ServiceKey; readonly destination: Destination}
  | {readonly type: 'del-dest'; readonly key: ServiceKey; readonly destination: Destination};

/** The port (as in ports and adapters) that the kernel client and the in-memory double both implement. */
export interface IpvsClient {
  version(): Promise<{readonly version: string; readonly tableSize: number}>;
  /** Every service with its destinations and counters. */
  list(): Promise<readonly ObservedService[]>;
  /** One service with its destinations and counters, without reading the others; undefined: no such service. */
  get(key: ServiceKey): Promise<ObservedService | undefined>;
  apply(operation: Operation): Promise<void>;
  timeouts(): Promise<Timeouts>;
  setTimeouts(timeouts: Timeouts): Promise<void>;
  /** Removes every service: only for tests and `ipvsadm -C`; the director never calls it. */
  flush(): Promise<void>;
  zero(key?: ServiceKey): Promise<void>;
  syncDaemons(): Promise<readonly SyncDaemon[]>;
  startSyncDaemon(daemon: SyncDaemon): Promise<void>;
  stopSyncDaemon(role: SyncRole): Promise<void>;
  close(): void;
}
