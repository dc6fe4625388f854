/** What the supervisor and the checks process send each other (Node's IPC channel, structured clone of plain data). */
import type {Instant, Millis} from '@hactl/base';
import type {Account, Remains} from '@hactl/net/privileges';
import type {Confinement} from './quarantine.ts';

/** One real of one virtual service, with all that a check of it needs. `id` is the supervisor's, opaque here. */
export interface CheckSpec {
  readonly id: string;
  readonly checkType:
    | {readonly kind: 'negotiate' | 'connect' | 'ping' | 'external' | 'external-perl' | 'on' | 'off'}
    | {readonly kind: 'combined'; readonly connects: number};
  /** ldirectord's service name, `http`, `mysql`, … */
  readonly service: string;
  readonly family: 4 | 6;
  /** The real server. */
  readonly address: string;
  /** The port to check: checkport, else the real server's, else the service's own. */
  readonly port: number;
  readonly protocol: 'tcp' | 'udp' | 'fwm';
  /** The virtual service, for external commands: address, or the mark as text. */
  readonly virtualAddress: string;
  readonly virtualPort: number;
  /** The real's own port, for external commands. */
  readonly realPort: number;
  readonly checkCommand?: string;
  readonly checkTimeout: Millis;
  readonly negotiateTimeout: Millis;
  readonly checkInterval: Millis;
  readonly checkCount: number;
  readonly failureCount: number;
  readonly request?: string;
  readonly receive?: string;
  readonly httpMethod?: 'GET' | 'HEAD';
  /** HTTP statuses that pass, first and last; no redirect is followed then. Absent: every 2xx, at last. */
  readonly statuses?: readonly (readonly [first: number, last: number])[];
  readonly virtualHost?: string;
  readonly login?: string;
  readonly passwd?: string;
  readonly database?: string;
  readonly secret?: string;
  /** A file with the public key of MySQL's servers: without it they never get the password itself. */
  readonly mysqlKey?: string;
  /** For the service `send-expect`. */
  readonly sendExpect?: SendExpect;
  /** For external checks: run instead of checkCommand. */
  readonly sendProgram?: SendProgram;
  /** Passed checks in a row before a real server that was down is up again; 1 where nothing is said. */
  readonly rise?: number;
  /** Each fall adds 1 to a penalty that halves every `halfLife`; from `suppress` on it is kept down until below `reuse`. */
  readonly damping?: {readonly suppress: number; readonly reuse: number; readonly halfLife: Millis};
  /** A server's certificate that runs out within so many days is reported; 0 or absent: never. Of checks over TLS. */
  readonly certDays?: number;
  /** An external command may print `weight N` or `weight N%`. */
  readonly dynamicWeight?: boolean;
  /** What was known before (adopted table, earlier process): undefined = nothing, no traffic before the first pass. */
  readonly initial?: 'up' | 'down';
}

/**
 * Piranha's sending program: words between blanks, run without a shell, `%h` and `%p` being the real server's address and
 * port. Up when the output without the newlines at its end is `expect`, whatever the exit status; without `expect` the
 * exit status decides.
 */
export interface SendProgram {
  readonly command: string;
  readonly expect?: string;
}

/** Piranha's check of a virtual service, as lvs.cf has it: escapes such as \r\n written out. */
export interface SendExpect {
  readonly send?: string;
  readonly expect?: string;
  /** A POSIX regular expression instead of the beginning of the answer. */
  readonly regex: boolean;
}

export type CheckState = 'unknown' | 'up' | 'down';

/** Messages of the supervisor. */
export type ToChecks =
  /** Replaces the whole set: same id and same spec keep their state; others restart; absent ones stop. */
  | {readonly type: 'configure'; readonly specs: readonly CheckSpec[]; readonly identity?: Identity}
  /** Answered by one `report` for each spec. */
  | {readonly type: 'report'}
  | {readonly type: 'stop'};

/** Users that the checks become when they are started by root; absent: see docs/checks.md. */
export interface Identity {
  readonly checkUser?: string;
  readonly scriptUser?: string;
}

/** Messages of the router to a shard: before the first configuration, the user it becomes. */
export type ToShard =
  | Exclude<ToChecks, {readonly type: 'configure'}>
  | {readonly type: 'configure'; readonly specs: readonly CheckSpec[]}
  | {readonly type: 'become'; readonly account: Account; readonly remains: Remains}
  /** How it treats what is expensive; without a word: `keep`. */
  | {readonly type: 'treat'; readonly costs: Costs}
  /** One more check, which another process hands over. */
  | {readonly type: 'adopt'; readonly spec: CheckSpec; readonly carried: Carried}
  /** It is another process's now. */
  | {readonly type: 'forget'; readonly id: string};

/**
 * `handover`: a check that exceeds its allowance is handed over. `quarantine`: a check that has become cheap is; and the
 * process has a budget of CPU. `keep`: none is.
 */
export type Costs = 'handover' | 'quarantine' | 'keep';

/** All that is known of a check, for the process that makes it from now on. */
export interface Carried {
  readonly report: CheckReport;
  /** When the next one is due. */
  readonly due: Instant;
  /** Connects since the last negotiate. */
  readonly sinceNegotiate: number;
  readonly confinement?: Confinement;
}

/** Messages of a shard to the router. */
export type FromShard =
  | Exclude<FromChecks, {readonly type: 'reports'}>
  | {
      readonly type: 'reports';
      readonly reports: readonly CheckReport[];
      readonly lateness: Late;
      /** By `virtualOf`. */
      readonly services: Readonly<Record<string, Late>>;
    }
  /** The check is made here no more; it is between two checks, with nothing under way. */
  | {readonly type: 'handover'; readonly id: string; readonly carried: Carried; readonly why: string};

/** Of one virtual service; of its servers in quarantine only where all are. */
export interface ServiceLateness extends Late {
  /** One of its checks. */
  readonly check: string;
}

/** How late checks were begun, milliseconds. */
export interface Late {
  readonly p50: Millis;
  readonly p99: Millis;
  readonly max: Millis;
}

/** What an external command wants its real's weight to be: a number, or a share of the configured one. */
export interface WantedWeight {
  readonly value: number;
  readonly percent: boolean;
}

/** A real server that goes up and down: kept only where damping is on. */
export interface Flaps {
  readonly penalty: number;
  /** When the penalty was this. */
  readonly at: Instant;
  /** The verdict of its checks alone. */
  readonly alive: boolean;
  /** Kept down although its checks pass. */
  readonly damped: boolean;
}

/** Until when a server's certificate is valid. */
export interface CertificateEnd {
  /** ISO 8601, the day alone. */
  readonly date: string;
  /** Whole days from now; negative: since it ran out. */
  readonly days: number;
  /** The same as a sentence without its full stop. */
  readonly words: string;
}

export interface CheckReport {
  readonly id: string;
  readonly state: CheckState;
  /** Consecutive failures so far. */
  readonly failures: number;
  /** Consecutive passes of a real server that is not up yet. */
  readonly passes?: number;
  readonly flaps?: Flaps;
  readonly weight?: WantedWeight;
  /** Only where it ends within the check's `certDays`; its verdict is not touched by that. */
  readonly certificate?: CertificateEnd;
  readonly checks: number;
  /** The reason, as text a person can act on. */
  readonly reason: string;
  /** Of the last check. */
  readonly took: Millis;
  /** When the last check ended (monotonic clock of the machine). */
  readonly at: Instant;
}

/** Messages of the checks process. */
export type FromChecks =
  | {readonly type: 'ready'; readonly pid: number}
  /** A real server changed state, or what it wants its weight to be, or passed or failed its first check. */
  | {readonly type: 'verdict'; readonly report: CheckReport}
  | {
      readonly type: 'reports';
      readonly reports: readonly CheckReport[];
      /** Of all checks since the process began that are not in quarantine. */
      readonly lateness: Late;
      /** Of the last minute or two, of each virtual service. */
      readonly services: readonly ServiceLateness[];
      /** The checks in quarantine. */
      readonly quarantined: readonly string[];
    }
  | {readonly type: 'log'; readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly message: string};
