/**
 * The control socket's protocol: one JSON object per line, each request answered by one line. Version 1.
 * Request `{"v":1,"id":7,"command":"status"}`, answer `{"id":7,"ok":true,"result":{…}}` or
 * `{"id":7,"ok":false,"error":{"code":"…","message":"…"}}`.
 */
import type {FactChange} from '@hactl/config';
import type {EngineStatus, Move, MoveScope, Transition} from '@hactl/failover';
import type {SyncReport} from '@hactl/sync';
import type {EventQuery} from './events.ts';
import type {PeerCommand} from './peer-commands.ts';

/** The version of the protocol and of every `--json` document. */
export const PROTOCOL_VERSION = 1;

/** The arguments of each command. */
export interface Requests {
  readonly status: object;
  readonly reload: object;
  readonly resync: object;
  readonly events: EventQuery;
  /** Forwarded to the peer over the channel between the two supervisors. */
  readonly peer: {readonly ask: PeerCommand};
  /** What a reload would change. */
  readonly plan: object;
  /** Pushes the configuration to the peer; `keys`: authkeys too. */
  readonly push: {readonly dryRun: boolean; readonly keys: boolean};
  readonly 'config-history': object;
  /** Version `a` (default: in use) against version `b` (default: on disk); `peer`: in use here against in use there. */
  readonly 'config-diff': {readonly a?: number; readonly b?: number; readonly peer?: boolean};
  readonly 'config-rollback': {readonly version: number};
  /** The files in use as they are on disk, without authkeys. */
  readonly 'config-read': object;
  /** New texts for files in use, validated together; unless it is a dry run they are written and applied. */
  readonly 'config-write': {
    readonly dryRun: boolean;
    /** `base`: the digest from `config-read`; a file that changed since is not overwritten. */
    readonly files: readonly {readonly name: string; readonly text: string; readonly base: string}[];
    readonly who: string;
  };
  readonly move: {readonly move: Move; readonly scope: MoveScope};
  readonly resource:
    {readonly action: 'list'} | {readonly action: 'start' | 'stop' | 'status'; readonly name: string};
  readonly order: OrderRequest;
}

export type CommandName = keyof Requests;
/** A client's commands; `Command<'events'>` is one of them. */
export type Command<K extends CommandName = CommandName> = {
  [P in K]: {readonly command: P} & Requests[P];
}[K];

/** The request on the wire. */
export type Request = {readonly v: number; readonly id: number} & Command;

/** Commands that change nothing and show no secret: allowed for the read group. */
export const changesNothing = (command: Command): boolean =>
  ['status', 'events', 'plan', 'config-history', 'config-diff'].includes(command.command) ||
  (command.command === 'resource' && command.action === 'list') ||
  (command.command === 'peer' && ['status', 'events'].includes(command.ask.command));

export type OrderAction =
  'drain' | 'undrain' | 'weight' | 'weight-reset' | 'maintenance-on' | 'maintenance-off';

/** An operator's request about real servers. */
export interface OrderRequest {
  readonly action: OrderAction;
  /** Addresses or names, with or without port. */
  readonly reals: readonly string[];
  readonly virtual?: string;
  readonly weight?: number;
  /** Who requested it, as claimed by the client; for people only. */
  readonly who: string;
  readonly reason?: string;
}

/** An override in force. */
export interface OrderView {
  readonly kind: 'drain' | 'weight' | 'maintenance' | 'maintenance-file';
  readonly target: string;
  /** The check ids of the real servers it matches now. */
  readonly reals: readonly string[];
  readonly weight?: number;
  /** Absent for a file in a maintenancedir. */
  readonly who?: string;
  /** Wall clock, milliseconds. */
  readonly when?: number;
  readonly reason?: string;
}

export interface OrderOutcome {
  readonly lines: readonly string[];
  /** Notes for the operator. */
  readonly notes: readonly string[];
}

export type Response<A> =
  | {readonly id: number; readonly ok: true; readonly result: A}
  | {
      readonly id: number;
      readonly ok: false;
      readonly error: {readonly code: string; readonly message: string};
    };

/** One of hactl's processes. */
export interface ProcessStatus {
  readonly name: string;
  readonly state: 'running' | 'starting' | 'dead';
  readonly pid?: number;
  readonly restarts: number;
  readonly lastExit?: string;
  /** The spare that would replace it at once if it died now. */
  readonly spare?: SpareState;
}

/** A spare that is still loading will take over too, but later. */
export type SpareState = 'loading' | 'loaded';

export interface RealStatus {
  readonly name: string;
  readonly method: string;
  /** Its weight in the kernel's table; undefined: not in the table. */
  readonly weight?: number;
  readonly configuredWeight: number;
  /** The weight in force instead: an operator's override, or slow start. */
  readonly orderedWeight?: number;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  readonly check: 'up' | 'down' | 'unknown' | 'fallback' | 'foreign';
  readonly reason: string;
  /** Milliseconds since the last check ended. */
  readonly checkedAgo?: number;
  /** Its checks are expensive: they are made in a process apart. */
  readonly quarantined?: boolean;
}

export interface VirtualStatus {
  readonly name: string;
  readonly scheduler: string;
  readonly persistent?: number;
  readonly inKernel: boolean;
  /** How late its checks were begun in the last minute or two, milliseconds; absent: none was. */
  readonly checkLateness?: {readonly p50: number; readonly p99: number; readonly max: number};
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
  /** Why it is unknown. */
  readonly problem?: string;
}

/** One resource of haresources on this director; the answer to `resource` is a list of them. */
export interface ResourceStatus {
  readonly group: string;
  readonly name: string;
  readonly kind: 'address' | 'ldirectord' | 'sync-daemon' | 'script';
  /** Whether this director holds the group now. */
  readonly active: boolean;
  readonly warm: boolean;
  readonly state: string;
  readonly reason: string;
  /** Milliseconds in this state. */
  readonly age?: number;
  /** Number of restarts since the group was acquired. */
  readonly restarts?: number;
  /** For a script: whether its end would be noticed. */
  readonly watched?: boolean;
}

/** The answer to `resource` with a name. */
export interface ResourceOutcome {
  readonly ok: boolean;
  readonly name: string;
  readonly reason: string;
  readonly resource?: ResourceStatus;
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
  /** Set if the files on disk differ from the running configuration or could not be loaded. */
  readonly configProblem?: string;
  readonly configDigest: string;
  readonly configDifference?: ConfigDifference;
  /** The files of ldirectord that are in use. */
  readonly ldirectord?: readonly string[];
  readonly ready: {readonly ready: boolean; readonly reason: string};
  readonly processes: readonly ProcessStatus[];
  /** The engine's last status; undefined on a director without a pair, or before the engine's first status. */
  readonly engine?: EngineStatus;
  /** Age of that status in milliseconds: an old one may no longer be true. */
  readonly engineAge?: number;
  readonly ipvs: {readonly available: boolean; readonly problem?: string; readonly version?: string};
  readonly virtuals: readonly VirtualStatus[];
  readonly sync: {
    readonly daemons: readonly SyncDaemonStatus[];
    readonly report?: SyncReport;
    readonly problem?: string;
  };
  /** Operators' overrides of real servers. Absent from older daemons. */
  readonly orders?: readonly OrderView[];
  readonly transitions: readonly Transition[];
  readonly problems: readonly string[];
}

export interface MoveOutcome {
  readonly ok: boolean;
  readonly reason: string;
  readonly overlap?: number;
}

export interface ReloadOutcome {
  readonly ok: boolean;
  readonly changes: readonly string[];
  /** Rendered diagnostics; with `ok: false` nothing was changed. */
  readonly diagnostics: readonly string[];
}
