/** What the supervisor and the sync process send each other (Node's IPC channel, plain data). */
import type {SyncDaemon} from '@hactl/ipvs';

/** One LVSSyncDaemonSwap of haresources, with its group's role. */
export interface SyncGroup {
  readonly active: boolean;
  readonly interface: string;
  readonly syncid: number;
}

/** How the two sync processes find and believe each other. */
export interface SyncLink {
  /** multicast: the kernels talk over the interface themselves. relay: they talk over `lo`, the processes carry it, encrypted. */
  readonly mode: 'multicast' | 'relay';
  readonly interface: string;
  readonly syncid: number;
  readonly port: number;
  readonly cluster: string;
  readonly node: string;
  /** Frames are signed with it. */
  readonly secret: string;
  /** Frames of these are believed too. */
  readonly accepted?: readonly string[];
  /** Between two beats of the pulse that pushes young connections out (pulse.ts), in ms; 0: none. */
  readonly delay: number;
  /** How long a joining director waits for the whole table, in ms. */
  readonly deadline: number;
  /** The pace of the walks through the kernel's own list; a gentle one when it is not given. */
  readonly audit?: AuditPace;
}

/** How fast the kernel's own list is gone through. */
export interface AuditPace {
  /** Between two walks, in ms. */
  readonly pause: number;
  /** Part of one processor that a walk may take, more than 0 and at most 1. */
  readonly share: number;
}

/** What the supervisor knows of the link; interface and syncid come from the group. */
export type SyncSettings = Omit<SyncLink, 'interface' | 'syncid'> & {
  /** net.ipv4.vs.*: set while this process runs. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Those of them that hold without a sync daemon too: what ha.cf says, and what the services want. */
  readonly lasting?: Readonly<Record<string, string>>;
  /** Where their values of before are kept. */
  readonly stateDir: string;
};

export type ToSync =
  | {
      readonly type: 'configure';
      readonly groups: readonly SyncGroup[];
      /** Without them (a director without a pair) there is nobody to talk to. */
      readonly settings?: SyncSettings;
    }
  | {readonly type: 'resync'}
  | {readonly type: 'status'}
  /**
   * A planned move is about to happen, in either direction: answered by `barrier-done` when both kernels have every connection
   * that the Active has now, those in their handshake included, or after `limit` ms. Ask before an address is taken off or on.
   */
  | {readonly type: 'barrier'; readonly id: number; readonly limit: number}
  /** Ends the process; the kernel's daemons that it started are stopped. */
  | {readonly type: 'stop'};

/** The connections here and there, and how they travel. */
export interface SyncReport {
  readonly mode: 'multicast' | 'relay';
  readonly encrypted: boolean;
  /** The joiner has all, or its deadline has passed, or there is nobody to learn from. */
  readonly inSync: boolean;
  readonly reason: string;
  readonly phase: 'waiting' | 'transfer' | 'compare' | 'in-sync' | 'deadline';
  readonly peer: boolean;
  readonly here: number;
  readonly there?: number;
  /** Connections of the peer that are not here, and of here that are not at the peer. */
  readonly missingHere: number;
  readonly missingThere?: number;
  /** Milliseconds for which the peer has been ahead of what was heard. */
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
  /** How young connections are pushed out: `silent` when the local kernel says nothing although it should. */
  readonly pulse: 'off' | 'idle' | 'beating' | 'silent';
  /** At most so old is the youngest connection that has reached the peer, in ms; missing: nothing was measured yet. */
  readonly age?: {readonly p50: number; readonly p99: number};
  /** Octets of kernel messages that wait for this process, with the kernel's overhead. */
  readonly backlog: number;
  /** Datagrams that the kernel's own queue dropped (they were sent again). */
  readonly overflows: number;
  /** Datagrams of the kernels that the sync process was too slow to hear. */
  readonly unheard: number;
  readonly repaired: number;
  readonly resyncs: number;
  readonly resent: number;
  /** Connections ended because their real was taken out of the table. */
  readonly retired: number;
  /** Walks through the kernel's own list; what it had and the mirror lacked, and the other way about. */
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
  /** undefined: no connection sync is configured, or its link is not open. */
  readonly report?: SyncReport;
  /** What is wrong, and the remedy. */
  readonly problem?: string;
}

export type FromSync =
  | {readonly type: 'barrier-done'; readonly id: number; readonly ok: boolean; readonly took: number; readonly reason: string}
  | {readonly type: 'ready'; readonly pid: number}
  | {readonly type: 'status'; readonly status: SyncStatus}
  | {readonly type: 'log'; readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly message: string};
