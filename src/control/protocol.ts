/**
 * The words on the control socket: one JSON object a line, each request answered by one line. Version 1.
 * Request `{"v":1,"id":7,"command":"status"}`, answer `{"id":7,"ok":true,"result":{…}}` or
 * `{"id":7,"ok":false,"error":{"code":"…","message":"…"}}`.
 */
import type {FactChange} from '@hactl/config';
import type {EngineStatus, Move, MoveScope, Transition} from '@hactl/failover';
import type {SyncReport} from '@hactl/sync';
import type {EventQuery} from './events.ts';
import type {PeerCommand} from '../peer/protocol.ts';

/** The version of the protocol and of every `--json` document. */
export const PROTOCOL_VERSION = 1;

/** What a client may ask. */
export type Request = {readonly v: number; readonly id: number} & Command;

export type Command =
  | {readonly command: 'status'}
  | {readonly command: 'reload'}
  | {readonly command: 'resync'}
  | ({readonly command: 'events'} & EventQuery)
  /** Asked of the peer, over the channel between the two supervisors. */
  | {readonly command: 'peer'; readonly ask: PeerCommand}
  /** What a reload would change. */
  | {readonly command: 'plan'}
  /** The configuration to the peer; `keys`: authkeys too. */
  | {readonly command: 'push'; readonly dryRun: boolean; readonly keys: boolean}
  | {readonly command: 'config-history'}
  /** Version `a` (the one in use) to version `b` (the disk); `peer`: what is in use here and there. */
  | {readonly command: 'config-diff'; readonly a?: number; readonly b?: number; readonly peer?: boolean}
  | {readonly command: 'config-rollback'; readonly version: number}
  | {readonly command: 'move'; readonly move: Move; readonly scope: MoveScope}
  | {readonly command: 'stop'};

export type Response =
  | {readonly id: number; readonly ok: true; readonly result: unknown}
  | {
      readonly id: number;
      readonly ok: false;
      readonly error: {readonly code: string; readonly message: string};
    };

/** One process of ours. */
export interface ProcessStatus {
  readonly name: string;
  readonly state: 'running' | 'starting' | 'dead';
  readonly pid?: number;
  readonly restarts: number;
  readonly lastExit?: string;
}

export interface RealStatus {
  readonly name: string;
  readonly method: string;
  /** In the kernel's table now; undefined: not in it. */
  readonly weight?: number;
  readonly configuredWeight: number;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly check: 'up' | 'down' | 'unknown' | 'fallback' | 'foreign';
  readonly reason: string;
  /** Milliseconds since the last check ended. */
  readonly checkedAgo?: number;
}

export interface VirtualStatus {
  readonly name: string;
  readonly scheduler: string;
  readonly persistent?: number;
  readonly inKernel: boolean;
  readonly connections: string;
  readonly reals: readonly RealStatus[];
}

export interface SyncDaemonStatus {
  readonly role: string;
  readonly interface: string;
  readonly syncid: number;
}

/** The peer has another configuration. */
export interface ConfigDifference {
  readonly peer: string;
  /** 0: not known yet. */
  readonly count: number;
  /** The first directive that differs, `from` here `to` there. */
  readonly first?: FactChange;
  /** Why it is not known. */
  readonly problem?: string;
}

/** All that `hactl status` shows; `--json` prints it as it is. */
export interface StatusSnapshot {
  readonly version: number;
  readonly node: string;
  readonly daemonVersion: string;
  readonly wall: number;
  readonly uptime: number;
  readonly configDir: string;
  readonly configLoaded: number;
  readonly configNotices: number;
  /** Set when the files on disk differ from the running configuration or could not be loaded. */
  readonly configProblem?: string;
  readonly configDigest: string;
  readonly configDifference?: ConfigDifference;
  /** The files of ldirectord that are in use. */
  readonly ldirectord?: readonly string[];
  readonly ready: {readonly ready: boolean; readonly reason: string};
  readonly processes: readonly ProcessStatus[];
  /** The last word of the engine; undefined on a director without a pair, or before the engine's first word. */
  readonly engine?: EngineStatus;
  /** Milliseconds since that word: an old one is not the truth any more. */
  readonly engineAge?: number;
  readonly ipvs: {readonly available: boolean; readonly problem?: string; readonly version?: string};
  readonly virtuals: readonly VirtualStatus[];
  readonly sync: {
    readonly daemons: readonly SyncDaemonStatus[];
    readonly report?: SyncReport;
    readonly problem?: string;
  };
  readonly transitions: readonly Transition[];
  readonly problems: readonly string[];
}
