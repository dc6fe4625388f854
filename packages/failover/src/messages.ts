/** The messages between the supervisor and the failover engine (Node's IPC channel, plain data). */
import type {Instant, Millis} from '@hactl/base';

/** A virtual address that the engine adds, renews and removes. */
export interface EngineVip {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
  readonly device: string;
  readonly label?: string;
  readonly broadcast?: string;
}

/** One line of haresources. */
export interface EngineGroup {
  /** 32 bits, derived from the group's content and not from its line number: the same on both directors. */
  readonly vrid: number;
  readonly name: string;
  readonly preferredNode: string;
  readonly vips: readonly EngineVip[];
  /**
   * False: every resource is warm (the addresses are all there is to do): the engine takes over at once and reports it.
   * True: cold resources start before the addresses; the engine asks (`prepare`) and waits for `prepared`.
   */
  readonly cold: boolean;
}

export type EnginePath =
  | {readonly kind: 'mcast'; readonly device: string; readonly group: string; readonly port: number; readonly ttl: number; readonly loop: boolean}
  | {readonly kind: 'bcast'; readonly device: string; readonly port: number}
  | {readonly kind: 'ucast'; readonly device: string; readonly peer: string; readonly port: number};

export interface EngineKey {
  readonly id: number;
  readonly method: 'crc' | 'md5' | 'sha1' | 'sha256';
  readonly secret: string;
}

export interface EngineConfig {
  readonly cluster: string;
  /** This node's name and its index among the nodes (0-based, file order). */
  readonly node: string;
  readonly nodes: readonly string[];
  readonly keepalive: Millis;
  readonly deadtime: Millis;
  readonly warntime: Millis;
  readonly initdead: Millis;
  readonly autoFailback: 'on' | 'off' | 'legacy';
  readonly preemptDelay: Millis;
  readonly holddown: Millis;
  /** Lifetime of a kernel-leased VIP, whole seconds; 0: not leased. */
  readonly vipLease: Millis;
  readonly groups: readonly EngineGroup[];
  readonly paths: readonly EnginePath[];
  readonly keys: readonly EngineKey[];
  readonly signingKey: number;
  /** SHA-256 of the pair-wide configuration, hex; travels in the adverts. */
  readonly configDigest: string;
  readonly realtime: boolean;
  readonly rtPriority: number;
  readonly pings: readonly string[];
  readonly pingGroups: readonly {readonly name: string; readonly members: readonly string[]}[];
  readonly ipfail: boolean;
  readonly deadping: Millis;
  /** Interfaces whose carrier is tracked. */
  readonly trackInterfaces: readonly string[];
  /** A shell command; the peer's name is its last argument. */
  readonly fence?: string;
  /** Its name in logs: the arguments may be passwords. */
  readonly fenceName?: string;
  /** The kernel's watchdog device, fed while the engine runs. */
  readonly watchdog?: string;
  /** Directory for the incarnation and other state that must survive a restart. */
  readonly stateDir: string;
}

export type Role = 'Initialize' | 'Backup' | 'Active';

/** heartbeat's hb_standby / hb_takeover, and a return to the preferred nodes. */
export type Move = 'standby' | 'takeover' | 'failback';
export type MoveScope = 'local' | 'foreign' | 'all';

export type ToEngine =
  | {readonly type: 'configure'; readonly config: EngineConfig}
  /** The answer to `prepare`: the group's cold resources run (or could not be started). */
  | {readonly type: 'prepared'; readonly vrid: number; readonly ok: boolean; readonly reason?: string}
  /** Whether this director may take over by choice (checks had their first round, connections are in sync). */
  | {readonly type: 'readiness'; readonly ready: boolean; readonly reason: string}
  | {readonly type: 'move'; readonly id: number; readonly move: Move; readonly scope: MoveScope}
  /**
   * A resource of the group cannot be kept running here: the group moves to the peer if possible, and is not taken back for
   * `holdOff` unless an operator requests it or the peer dies.
   */
  | {readonly type: 'give-up'; readonly vrid: number; readonly reason: string; readonly holdOff: Millis}
  /** Number of failing tracked scripts. */
  | {readonly type: 'tracked'; readonly lost: number}
  /** Hand everything over, announce priority 0 and exit; answered by `stopped`. */
  | {readonly type: 'stop'}
  | {readonly type: 'status'; readonly id: number};

export interface PathStatus {
  readonly name: string;
  /** Whether this node hears the peer on it, and whether the peer reports hearing this node. */
  readonly hears: boolean;
  readonly heard: boolean;
  readonly lastHeardAgo?: Millis;
  readonly received: number;
  readonly sent: number;
  /** Dropped by the kernel: strangers' datagrams, and those that did not fit the buffer. */
  readonly dropped: number;
  readonly error?: string;
}

export interface PeerStatus {
  readonly name: string;
  readonly state: 'up' | 'late' | 'dead' | 'unknown';
  readonly lastHeardAgo?: Millis;
  readonly incarnation?: string;
  readonly ready?: boolean;
  readonly configDigest?: string;
  /** The source addresses of its adverts, one per path on which it was heard. */
  readonly addresses?: readonly string[];
  readonly groups: readonly {
    readonly vrid: number;
    readonly role: Role;
    readonly priority: number;
    /** `addressHash` of each address of the group in the peer's configuration. */
    readonly addresses?: readonly number[];
  }[];
}

export interface GroupStatus {
  readonly vrid: number;
  readonly name: string;
  readonly role: Role;
  readonly priority: number;
  readonly preferredNode: string;
  readonly since: Instant;
  /** Why it cannot be served here, or only in part. */
  readonly problem?: string;
  readonly vips: readonly {readonly address: string; readonly device: string; readonly held: boolean; readonly leaseLeft?: Millis}[];
}

export interface EngineStatus {
  readonly pid: number;
  readonly node: string;
  readonly realtime: string;
  readonly groups: readonly GroupStatus[];
  readonly peers: readonly PeerStatus[];
  readonly paths: readonly PathStatus[];
  /** Every counter of faults and events by its code. */
  readonly counters: Readonly<Record<string, number>>;
  readonly vipLease: Millis;
  readonly vipRenewal: Millis;
  /** Event-loop lateness, milliseconds: p50, p99, max. */
  readonly lateness: {readonly p50: Millis; readonly p99: Millis; readonly max: Millis};
  /** Ping nodes and ping groups. */
  readonly pings: readonly {readonly name: string; readonly answers: boolean}[];
}

/** A role change with its details. */
export interface Transition {
  readonly vrid: number;
  readonly group: string;
  readonly from: Role;
  readonly to: Role;
  readonly reason: string;
  readonly at: Instant;
  readonly wall: number;
}

export type FromEngine =
  | {readonly type: 'ready'; readonly pid: number; readonly realtime: string}
  | {readonly type: 'transition'; readonly transition: Transition}
  /** Start the group's cold resources, then answer `prepared`. */
  | {readonly type: 'prepare'; readonly vrid: number}
  | {readonly type: 'status'; readonly id: number; readonly status: EngineStatus}
  | {readonly type: 'move-done'; readonly id: number; readonly ok: boolean; readonly reason: string; readonly overlap?: Millis}
  | {
      readonly type: 'event';
      readonly level: 'error' | 'warn' | 'info' | 'debug';
      readonly code: string;
      readonly message: string;
      /** The other director concerned. */
      readonly peer?: string;
      /** How long it has been silent. */
      readonly silence?: Millis;
      /** When it happened, if that matters: the supervisor may read it late. */
      readonly wall?: number;
    }
  | {readonly type: 'stopped'};
