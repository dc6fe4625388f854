/**
 * The typed model of heartbeat's and ldirectord's files. Durations are Millis, addresses are in canonical text
 * form (IPv4 dotted quad, IPv6 RFC 5952 without brackets). Every value that a diagnostic may point at keeps its span.
 */
import type {Millis} from '@hactl/base';

/** A half-open range of character offsets in one file. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** strict: the original program's verdicts. lenient (the default): an unambiguous mistake is repaired and reported. */
export type Mode = 'strict' | 'lenient';

// ---------------------------------------------------------------------------------------------- ldirectord.cf

export type ForwardMethod = 'gate' | 'masq' | 'ipip';
export type Protocol = 'tcp' | 'udp';

export type CheckType =
  | {readonly kind: 'negotiate' | 'connect' | 'ping' | 'external' | 'external-perl' | 'on' | 'off'}
  /** ldirectord's `checktype=N`: N connect checks between two negotiate checks. */
  | {readonly kind: 'combined'; readonly connects: number};

export type CheckService =
  | 'dns' | 'ftp' | 'http' | 'https' | 'http_proxy' | 'imap' | 'imaps' | 'ldap' | 'ldaps' | 'mysql' | 'nntp' | 'none'
  | 'oracle' | 'pgsql' | 'pop' | 'pops' | 'radius' | 'simpletcp' | 'sip' | 'smtp' | 'submission'
  /** hactl's own: the check of `hactl_send` and `hactl_expect`. */
  | 'send-expect';

/** The key of a virtual service: an address with port and protocol, or a firewall mark. */
export type VirtualAddress =
  | {readonly kind: 'address'; readonly family: 4 | 6; readonly address: string; readonly port: number; readonly protocol: Protocol}
  | {readonly kind: 'fwmark'; readonly family: 4 | 6; readonly mark: number};

/** A range of HTTP statuses, both ends included. */
export type StatusRange = readonly [first: number, last: number];

/** `hactl_check`: the settings that a real server overrides; the rest is its virtual service's. */
export interface RealCheck {
  readonly checkType?: CheckType;
  readonly service?: CheckService;
  readonly checkCommand?: string;
  readonly checkPort?: number;
  readonly checkTimeout?: Millis;
  readonly request?: string;
  readonly receive?: string;
  readonly virtualHost?: string;
  readonly statuses?: readonly StatusRange[];
  readonly sendExpect?: {readonly send?: string; readonly expect?: string; readonly regex: boolean};
}

export interface RealServer {
  readonly span: Span;
  readonly address: string;
  /** 0: not configured, the virtual service's port is used. With gate and ipip the kernel always uses that port. */
  readonly port: number;
  readonly method: ForwardMethod;
  readonly weight: number;
  /** The real server's own request and receive, when both are configured. */
  readonly request?: string;
  readonly receive?: string;
  /** `l:` and `u:`, ipvsadm's -y and -x; 0 is none. */
  readonly lowerThreshold: number;
  readonly upperThreshold: number;
  readonly check?: RealCheck;
}

export interface FallbackServer {
  readonly span: Span;
  readonly address: string;
  /** 0: the virtual service's port. */
  readonly port: number;
  readonly method: ForwardMethod;
  readonly weight: number;
}

export interface EmailAlert {
  readonly to: readonly string[];
  readonly from?: string;
  /** 0: once. */
  readonly frequency: Millis;
  readonly status: readonly string[];
  readonly smtp?: string;
}

/** One `virtual=` block with every inherited value filled in: no other code applies a default. */
export interface VirtualService {
  readonly span: Span;
  readonly address: VirtualAddress;
  readonly reals: readonly RealServer[];
  readonly fallback?: FallbackServer;
  readonly fallbackCommand?: string;
  readonly checkType: CheckType;
  readonly service: CheckService;
  readonly checkCommand: string;
  readonly checkPort?: number;
  readonly checkTimeout: Millis;
  readonly negotiateTimeout: Millis;
  readonly checkInterval: Millis;
  /** Ping attempts. */
  readonly checkCount: number;
  readonly failureCount: number;
  readonly request?: string;
  /** A regular expression in Perl's syntax, as written. */
  readonly receive?: string;
  readonly httpMethod: 'GET' | 'HEAD';
  readonly virtualHost?: string;
  readonly login?: string;
  readonly passwd?: string;
  readonly database?: string;
  readonly secret?: string;
  readonly load?: string;
  readonly scheduler: string;
  readonly schedFlags?: string;
  /** Seconds; undefined: not persistent. */
  readonly persistent?: number;
  /** Dotted quad for IPv4, prefix length as text for IPv6. */
  readonly netmask?: string;
  readonly ops: boolean;
  readonly quiescent: boolean;
  readonly cleanStop: boolean;
  readonly email: EmailAlert;
  readonly monitorFile?: string;
  readonly serviceName?: string;
  readonly comment?: string;
  /** `hactl_send`, `hactl_expect`, `hactl_expect_regex`: Piranha's check, escapes such as \r\n written out. */
  readonly sendExpect?: {readonly send?: string; readonly expect?: string; readonly regex: boolean};
  /**
   * `hactl_send_program`: Piranha's program that is run for each check, with `%h` and `%p` for the real server's address and
   * port; up when its output is `expect`, or, without one, when it exits with 0.
   */
  readonly sendProgram?: {readonly command: string; readonly expect?: string};
  /** `hactl_status`: the statuses that pass, without following redirects; undefined: every 2xx after redirects. */
  readonly statuses?: readonly StatusRange[];
  /** `hactl_mysql_key`: file with the public key under which a MySQL server may get the password. */
  readonly mysqlKey?: string;
  /** `hactl_rise`: passed checks in a row before a failed real server is up again; undefined: as set in ha.cf. */
  readonly rise?: number;
}

export interface LdirectordConfig {
  readonly path: string;
  readonly autoReload: boolean;
  readonly readdQuiescent: boolean;
  readonly cleanStop: boolean;
  readonly fork: boolean;
  readonly supervised: boolean;
  readonly callback?: string;
  /** A path, or a syslog facility. */
  readonly logFile: string;
  readonly execute: readonly string[];
  readonly maintenanceDir?: string;
  readonly email: EmailAlert;
  readonly virtuals: readonly VirtualService[];
}

// ------------------------------------------------------------------------------------------------------ ha.cf

/** A command that is run at an interval and must exit with 0. */
export interface TrackedScript {
  readonly every: Millis;
  readonly words: readonly string[];
}

/** One `hactl_resource` line; settings that it omits come from earlier lines and the defaults. */
export interface ResourceRule {
  /** A resource as written in haresources, a type, or `*`. */
  readonly match: string;
  readonly startTimeout?: Millis;
  readonly stopTimeout?: Millis;
  readonly statusTimeout?: Millis;
  /** The interval of the status check of a running resource; 0: none. */
  readonly monitor?: Millis;
  readonly restarts?: {readonly count: number; readonly within: Millis};
  /** How long a director that gave up a group because of this resource does not take the group back. */
  readonly holdOff?: Millis;
  /** Runs on both directors all the time. */
  readonly warm?: boolean;
}

/** How real servers are judged beyond ldirectord's failurecount; all opt-in. */
export interface VerdictSettings {
  /** `hactl_rise`: passed checks in a row before a failed real server is up again. */
  readonly rise: number;
  /** `hactl_flap_damping`: each failure adds 1 to a penalty that halves every `halfLife`; at `suppress` the real server is taken out until the penalty is below `reuse`. */
  readonly damping?: {readonly suppress: number; readonly reuse: number; readonly halfLife: Millis};
  /** `hactl_slow_start`: the time until a returning real server has its full weight; 0: none. */
  readonly slowStart: Millis;
  /** `hactl_quorum`: with fewer real servers up, the fallback serves. */
  readonly quorum?: {readonly count: number; readonly percent: boolean};
  /** `hactl_dynamic_weight`: an external check may print the real server's weight. */
  readonly dynamicWeight: boolean;
  /** `hactl_cert_days`: report a server's certificate that expires within this many days; 0: never. */
  readonly certDays: number;
}

/** A receiver of notifications over HTTP; `token` is sent as a bearer token. */
export interface HttpReceiver {
  readonly url: string;
  readonly token?: string;
}

/** Receivers of notifications besides the mails of ldirectord.cf. */
export interface OutsideAlerts {
  readonly webhooks: readonly HttpReceiver[];
  /** Program and arguments. */
  readonly commands: readonly (readonly string[])[];
  /** The minimum time between two calls of the same receiver. */
  readonly gap: Millis;
}

/** One heartbeat path. */
export type Medium =
  | {readonly kind: 'bcast'; readonly span: Span; readonly device: string; readonly port: number}
  | {readonly kind: 'mcast'; readonly span: Span; readonly device: string; readonly group: string; readonly port: number; readonly ttl: number; readonly loop: boolean}
  | {readonly kind: 'ucast'; readonly span: Span; readonly device: string; readonly peer: string; readonly port: number};

export interface HaConfig {
  readonly path: string;
  readonly keepalive: Millis;
  readonly deadtime: Millis;
  readonly warntime: Millis;
  readonly initdead: Millis;
  readonly deadping: Millis;
  readonly media: readonly Medium[];
  /** Lower case, in file order. One node is a legal cluster. */
  readonly nodes: readonly {readonly span: Span; readonly name: string}[];
  readonly autoFailback: 'on' | 'off' | 'legacy';
  readonly pings: readonly string[];
  readonly pingGroups: readonly {readonly name: string; readonly members: readonly string[]}[];
  /** True when a `respawn … ipfail` line asks for the built-in link watcher. */
  readonly ipfail: boolean;
  readonly respawns: readonly {readonly span: Span; readonly user: string; readonly command: readonly string[]; readonly failfast: boolean}[];
  readonly cluster: string;
  readonly hopfudge: number;
  readonly logFile?: string;
  readonly debugFile?: string;
  readonly logFacility?: string;
  readonly debug: number;
  readonly realtime: boolean;
  readonly rtPriority: number;
  readonly watchdog?: string;
  readonly stonith: readonly {readonly span: Span; readonly from: string; readonly words: readonly string[]}[];
  readonly apiauth: readonly {readonly client: string; readonly words: readonly string[]}[];
  /** hactl's own directives, each named `hactl_…`. */
  readonly hactl: {
    /** `hactl_lease`: lifetime of a kernel-leased VIP; 0 switches leasing off. Whole seconds. Default 3 s. */
    readonly vipLease: Millis;
    /** `hactl_preempt_delay`: how long a returning director waits before it takes its groups back. Default 0. */
    readonly preemptDelay: Millis;
    /** `hactl_holddown`: the minimum time between two takeovers not caused by an operator. Default 0. */
    readonly holddown: Millis;
    /** `hactl_fence`: external command awaited before a takeover from a silent peer. */
    readonly fence?: string;
    /** `hactl_drill`: wall-clock schedule (five cron fields) of the built-in drill; undefined: never. */
    readonly drillSchedule?: string;
    /** `hactl_standby_checks on|off`: whether the standby runs its checks too. Default on. */
    readonly standbyChecks: boolean;
    /** `hactl_track_interface`: without carrier on one of them, this director gives way to the peer. */
    readonly trackInterfaces: readonly string[];
    /** `hactl_track_script`: if one of these commands fails, so does this director. */
    readonly trackScripts: readonly TrackedScript[];
    /** `hactl_resource`: in file order, later lines win. */
    readonly resources: readonly ResourceRule[];
    /** `hactl_sync multicast|relay|relay-encrypted`: how connections reach the peer (docs/sync.md). Default multicast. */
    readonly sync: 'multicast' | 'relay' | 'relay-encrypted';
    /** `hactl_sync_port`: UDP port of the two sync processes. Default 8849. */
    readonly syncPort: number;
    /** `hactl_sync_delay TIME|off`: the time between two pushes of young connections to the peer. 0: off. Default 20 ms. */
    readonly syncDelay: Millis;
    /** `hactl_sync_deadline`: how long a joining director waits for the peer's table while nothing arrives. Default 30 s. */
    readonly syncDeadline: Millis;
    /** `hactl_peer_port`: TCP port of the channel between the two supervisors; 0: none. Default 6944. */
    readonly peerPort: number;
    /** `hactl_peer`: the peer's addresses for that channel; empty: those of ucast lines and received adverts. */
    readonly peerAddresses: readonly string[];
    /** `hactl_push`: accept a configuration from the peer? undefined: only with sha256 keys. */
    readonly push?: boolean;
    /** `hactl_ipvs NAME VALUE`: settings of net.ipv4.vs.*, restored on stop. */
    readonly ipvs: Readonly<Record<string, string>>;
    /** undefined: ldirectord's plain verdicts. */
    readonly verdicts?: VerdictSettings;
    /** `hactl_otlp`: the OpenTelemetry collector that gets the log lines. */
    readonly otlp?: HttpReceiver;
    /** `hactl_webhook`, `hactl_alert_command`, `hactl_alert_gap`; undefined: no notifications. */
    readonly alerts?: OutsideAlerts;
    /** `hactl_admin_group`: may use hactl as root does. */
    readonly adminGroup?: string;
    /** `hactl_read_group`: may use the commands that change nothing. */
    readonly readGroup?: string;
    /** `hactl_check_user`: the user of the check processes. Default hactl-check, else nobody. */
    readonly checkUser?: string;
    /** `hactl_script_user`: the user of external checks. Default hactl-check if it exists, else root. */
    readonly scriptUser?: string;
  };
}

// ------------------------------------------------------------------------------------------- haresources, keys

/** One word of a haresources line, with its arguments: `IPaddr2::10.0.0.1/24/eth0`. */
export interface Resource {
  readonly span: Span;
  /** Canonical script name (`IPaddr`, `IPaddr2`, `ldirectord`, `LVSSyncDaemonSwap`, …) or a name in resource.d. */
  readonly type: string;
  readonly args: readonly string[];
  /** Filled in for IPaddr, IPaddr2 and IPv6addr. */
  readonly vip?: Vip;
}

export interface Vip {
  readonly family: 4 | 6;
  readonly address: string;
  /** undefined: taken from the route to the address, as findif does. */
  readonly prefixLength?: number;
  readonly device?: string;
  /** eth0:1 → label "eth0:1". */
  readonly label?: string;
  readonly broadcast?: string;
}

/** One line of haresources: the preferred node and its resources, started left to right, stopped right to left. */
export interface ResourceGroup {
  readonly span: Span;
  readonly node: string;
  /** The group's name: the first resource as written, heartbeat's key. */
  readonly name: string;
  readonly resources: readonly Resource[];
}

export interface Haresources {
  readonly path: string;
  readonly groups: readonly ResourceGroup[];
}

export type AuthMethod = 'crc' | 'md5' | 'sha1' | 'sha256';

export interface Authkeys {
  readonly path: string;
  /** The number of the key that signs. */
  readonly active: number;
  readonly keys: readonly {readonly span: Span; readonly id: number; readonly method: AuthMethod; readonly secret: string}[];
}

/** All files of one director. `ldirectord` has one entry per file named in haresources, in order of use. */
export interface ClusterConfig {
  /** undefined: a single director (nothing but ldirectord.cf). */
  readonly ha?: HaConfig;
  readonly haresources: Haresources;
  readonly authkeys: Authkeys;
  readonly ldirectord: readonly LdirectordConfig[];
}
