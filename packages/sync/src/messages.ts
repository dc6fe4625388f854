/** The messages between the supervisor and the sync process (Node's IPC channel, plain data). */
import type {ServiceKey, SyncDaemon} from '@hactl/ipvs';

/** One LVSSyncDaemonSwap of haresources, with its group's role. */
export interface SyncGroup {
  readonly active: boolean;
  readonly interface: string;
  readonly syncid: number;
}

/** How the two sync processes find and authenticate each other. */
export interface SyncLink {
  /**
   * multicast: the kernels exchange messages over the interface. relay: they use `lo`, and the processes carry the messages,
   * encrypted.
   */
  readonly mode: 'multicast' | 'relay';
  readonly interface: string;
  readonly syncid: number;
  readonly port: number;
  readonly cluster: string;
  readonly node: string;
  /** The key for sending. */
  readonly secret: string;
  /** Further keys accepted on receipt. */
  readonly accepted?: readonly string[];
  /** Interval between beats of the pulse that pushes young connections out (pulse.ts), in ms; 0: no pulse. */
  readonly delay: number;
  /** How long a joining director waits for the whole table, in ms. */
  readonly deadline: number;
  /** The rate of the audit's walks through the kernel's list; slow by default. */
  readonly audit?: AuditPace;
}

/** The rate of the walks through the kernel's list. */
export interface AuditPace {
  /** Pause between walks, in ms. */
  readonly pause: number;
  /** Share of one processor for a walk, more than 0 and at most 1. */
  readonly share: number;
}

/** The supervisor's settings for the link; interface and syncid come from the group. */
export type SyncSettings = Omit<SyncLink, 'interface' | 'syncid'> & {
  /** net.ipv4.vs.*: set while this process runs. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Those that apply even without a sync daemon: from ha.cf, and required by the services. */
  readonly lasting?: Readonly<Record<string, string>>;
  /** Where their original values are saved. */
  readonly stateDir: string;
};

/** A real server of a UDP service that failed its checks, as the kernel's table names it. */
export interface FailedServer {
  readonly service: ServiceKey;
  readonly address: string;
  readonly port: number;
}

export type ToSync =
  | {
      readonly type: 'configure';
      readonly groups: readonly SyncGroup[];
      /** Absent on a director without a peer. */
      readonly settings?: SyncSettings;
    }
  /**
   * The failed servers of the UDP services, as a whole. Sent when they change, and when a UDP service lost a server: its flows
   * move to others.
   */
  | {readonly type: 'flows'; readonly failed: readonly FailedServer[]}
  | {readonly type: 'resync'}
  | {readonly type: 'status'}
  /**
   * A planned move is about to start, in either direction: answered by `barrier-done` when both kernels have every connection
   * of the Active, including those in their handshake, or after `limit` ms. Send it before adding or removing an address.
   */
  | {readonly type: 'barrier'; readonly id: number; readonly limit: number}
  /** Stops the process and the kernel's daemons that it started. */
  | {readonly type: 'stop'};

/** The connections on both directors, and the state of their sync. */
export interface SyncReport {
  readonly mode: 'multicast' | 'relay';
  readonly encrypted: boolean;
  /** The joiner has all connections, its deadline has passed, or there is no peer. */
  readonly inSync: boolean;
  readonly reason: string;
  /** In sync only because no sync process of a peer was heard. */
  readonly alone?: true;
  readonly phase: 'waiting' | 'transfer' | 'compare' | 'in-sync' | 'deadline';
  readonly peer: boolean;
  readonly here: number;
  readonly there?: number;
  /** Connections of the peer missing here, and of this director missing at the peer. */
  readonly missingHere: number;
  readonly missingThere?: number;
  /** Milliseconds for which the peer has been ahead of what was received. */
  readonly lag: number;
  readonly relayed: number;
  readonly heard: number;
  readonly lost: number;
  readonly late: number;
  readonly replayed: number;
  readonly forged: number;
  readonly malformed: number;
  readonly injected: number;
  readonly waiting: number;
  /** The state of the pulse: `silent` if the local kernel sends nothing although it should. */
  readonly pulse: 'off' | 'idle' | 'beating' | 'silent';
  /** Upper bound for the age of the newest connection that has reached the peer, in ms; absent: not measured yet. */
  readonly age?: {readonly p50: number; readonly p99: number};
  /** Octets of kernel messages queued for this process, with the kernel's overhead. */
  readonly backlog: number;
  /** Datagrams that the kernel's own queue dropped (they were sent again). */
  readonly overflows: number;
  /** Datagrams from the kernels lost because the sync process was too slow. */
  readonly unheard: number;
  readonly repaired: number;
  readonly resyncs: number;
  readonly resent: number;
  /** Connections ended because their real server was removed from the table. */
  readonly retired: number;
  /** Walks through the kernel's list; connections it had and the mirror lacked, and vice versa. */
  readonly audit: {readonly walks: number; readonly added: number; readonly lost: number};
  /** The last full resync. */
  readonly last?: {
    readonly took: number;
    readonly connections: number;
    readonly rounds: number;
    readonly complete: boolean;
  };
}

export interface SyncStatus {
  readonly daemons: readonly SyncDaemon[];
  /** undefined: connection sync is not configured, or its link is not open. */
  readonly report?: SyncReport;
  /** The problem and its remedy. */
  readonly problem?: string;
}

export type FromSync =
  | {readonly type: 'barrier-done'; readonly id: number; readonly ok: boolean; readonly took: number; readonly reason: string}
  | {readonly type: 'ready'; readonly pid: number}
  | {readonly type: 'status'; readonly status: SyncStatus}
  | {readonly type: 'log'; readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly message: string};
