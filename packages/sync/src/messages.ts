/** What the supervisor and the sync process say to one another (Node's IPC channel, plain data). */
import type {SyncDaemon} from '@hactl/ipvs';

/** One LVSSyncDaemonSwap of haresources, with its group's role. */
export interface SyncGroup {
  readonly active: boolean;
  readonly interface: string;
  readonly syncid: number;
}

export type ToSync =
  | {readonly type: 'configure'; readonly groups: readonly SyncGroup[]}
  | {readonly type: 'status'}
  /** Ends the process; the kernel's daemons that it started are stopped. */
  | {readonly type: 'stop'};

export interface SyncStatus {
  readonly daemons: readonly SyncDaemon[];
  /** What is wrong, and what to do. */
  readonly problem?: string;
}

export type FromSync =
  | {readonly type: 'ready'; readonly pid: number}
  | {readonly type: 'status'; readonly status: SyncStatus}
  | {readonly type: 'log'; readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly message: string};
