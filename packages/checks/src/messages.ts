/** What the supervisor and the checks process send each other (Node's IPC channel, structured clone of plain data). */
import type {Instant, Millis} from '@hactl/base';
import type {Account, Remains} from '@hactl/net/privileges';
import type {Confinement} from './quarantine.ts';

/** One real server of one virtual service, with everything its check needs. `id` is the supervisor's, opaque here. */
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
  /** The real server's own port, for external commands. */
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
  /** Ranges of HTTP statuses that pass; redirects are then not followed. Absent: a 2xx after redirects. */
  readonly statuses?: readonly (readonly [first: number, last: number])[];
  readonly virtualHost?: string;
  readonly login?: string;
  readonly passwd?: string;
  readonly database?: string;
  readonly secret?: string;
  /** A file with the public key of the MySQL servers: without it they never get the password itself. */
  readonly mysqlKey?: string;
  /** For the service `send-expect`. */
  readonly sendExpect?: SendExpect;
  /** For external checks: run instead of checkCommand. */
  readonly sendProgram?: SendProgram;
  /** Passed checks in a row before a failed real server is up again; default 1. */
  readonly rise?: number;
  /** Each failure adds 1 to a penalty that halves every `halfLife`; at `suppress` the server is kept down until the penalty is below `reuse`. */
  readonly damping?: {readonly suppress: number; readonly reuse: number; readonly halfLife: Millis};
  /** For checks over TLS: report a certificate that expires within this many days; 0 or absent: never. */
  readonly certDays?: number;
  /** An external command may print `weight N` or `weight N%`. */
  readonly dynamicWeight?: boolean;
  /** The known state (adopted table, earlier process); undefined: unknown, no traffic before the first pass. */
  readonly initial?: 'up' | 'down';
}

/**
 * Piranha's sending program: words separated by blanks, run without a shell; `%h` and `%p` are the real server's address and
 * port. Up when the output without the newlines at its end is `expect`, whatever the exit status; without `expect` the
 * exit status decides.
 */
export interface SendProgram {
  readonly command: string;
  readonly expect?: string;
}

/** Piranha's check of a virtual service as in lvs.cf, with escapes such as \r\n unexpanded. */
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

/** The users that the checks switch to when started by root; absent: see docs/checks.md. */
export interface Identity {
  readonly checkUser?: string;
  readonly scriptUser?: string;
}

/** Messages of the router to a shard; the user comes before the first configuration. */
export type ToShard =
  | Exclude<ToChecks, {readonly type: 'configure'}>
  | {readonly type: 'configure'; readonly specs: readonly CheckSpec[]}
  | {readonly type: 'become'; readonly account: Account; readonly remains: Remains}
  /** Its policy for expensive checks; default `keep`. */
  | {readonly type: 'treat'; readonly costs: Costs}
  /** A check that another process hands over. */
  | {readonly type: 'adopt'; readonly spec: CheckSpec; readonly carried: Carried}
  /** The check now belongs to another process. */
  | {readonly type: 'forget'; readonly id: string};

/**
 * `handover`: checks that exceed their allowance are handed over. `quarantine`: checks that have become cheap are, and the
 * process has a CPU budget. `keep`: no check is handed over.
 */
export type Costs = 'handover' | 'quarantine' | 'keep';

/** The whole state of a check, for the process that takes it over. */
export interface Carried {
  readonly report: CheckReport;
  /** When the next probe is due. */
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
  /** The check is no longer run here; no probe of it is running. */
  | {readonly type: 'handover'; readonly id: string; readonly carried: Carried; readonly why: string};

/** Of one virtual service; servers in quarantine are included only if all of them are. */
export interface ServiceLateness extends Late {
  /** One of its checks. */
  readonly check: string;
}

/** How late checks were started, in milliseconds. */
export interface Late {
  readonly p50: Millis;
  readonly p99: Millis;
  readonly max: Millis;
}

/** The weight requested by an external command: a number, or a percentage of the configured weight. */
export interface WantedWeight {
  readonly value: number;
  readonly percent: boolean;
}

/** Flap state of a real server: kept only with damping on. */
export interface Flaps {
  readonly penalty: number;
  /** The time at which the penalty had this value. */
  readonly at: Instant;
  /** The verdict without damping. */
  readonly alive: boolean;
  /** Kept down by damping although its checks pass. */
  readonly damped: boolean;
}

/** Until when a server's certificate is valid. */
export interface CertificateEnd {
  /** ISO 8601, date only. */
  readonly date: string;
  /** Whole days from now; negative: days since it expired. */
  readonly days: number;
  /** The same as a sentence without its full stop. */
  readonly words: string;
}

export interface CheckReport {
  readonly id: string;
  readonly state: CheckState;
  /** Consecutive failures so far. */
  readonly failures: number;
  /** Consecutive passes of a real server that is still down. */
  readonly passes?: number;
  readonly flaps?: Flaps;
  readonly weight?: WantedWeight;
  /** Present only if it expires within the check's `certDays`; does not change the verdict. */
  readonly certificate?: CertificateEnd;
  readonly checks: number;
  /** The reason, as a message for the operator. */
  readonly reason: string;
  /** Of the last check. */
  readonly took: Millis;
  /** When the last check ended (monotonic clock of the machine). */
  readonly at: Instant;
}

/** Messages of the checks process. */
export type FromChecks =
  | {readonly type: 'ready'; readonly pid: number}
  /** A real server changed state or requested weight, or finished its first check. */
  | {readonly type: 'verdict'; readonly report: CheckReport}
  | {
      readonly type: 'reports';
      readonly reports: readonly CheckReport[];
      /** For all checks outside quarantine since the process started. */
      readonly lateness: Late;
      /** For the last minute or two, by virtual service. */
      readonly services: readonly ServiceLateness[];
      /** The checks in quarantine. */
      readonly quarantined: readonly string[];
    }
  | {readonly type: 'log'; readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly message: string};
