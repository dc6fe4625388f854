/**
 * The result of parsing a foreign configuration, before our files are written: one model for all sources. Every statement
 * of the source gets a note about its conversion. Pure.
 */
import type {Millis} from '@hactl/base';
import type {Diagnostic} from '../diagnostic.ts';
import type {
  CheckService,
  ForwardMethod,
  Medium,
  RealCheck,
  Span,
  StatusRange,
  Vip,
  VirtualAddress,
} from '../model.ts';
import type {Resolver} from '../reader.ts';

export type ImportKind = 'lvs.cf' | 'keepalived' | 'ipvsadm';

/** exact: same meaning here. approximated: the message states the difference. not: left out, the message states why. */
export type Fate = 'exact' | 'approximated' | 'not';

export interface Note {
  readonly fate: Fate;
  readonly span: Span;
  /** The statement, as quoted in the report. */
  readonly what: string;
  /** Its place in the written files, the difference, or the reason why it was left out. */
  readonly message: string;
  /** Something will be down, unwatched or different after the switch: shown last and in red. */
  readonly matters?: true;
}

export interface ImportedReal {
  readonly address: string;
  /** 0: the virtual service's port. */
  readonly port: number;
  readonly method: ForwardMethod;
  readonly weight: number;
  readonly request?: string;
  readonly receive?: string;
  readonly lowerThreshold: number;
  readonly upperThreshold: number;
  /** Set if its check differs from the virtual service's: written as a hactl_check line. */
  readonly check?: RealCheck;
  /** Its place in the source. */
  readonly span?: Span;
}

export interface ImportedCheck {
  readonly type: 'on' | 'connect' | 'ping' | 'negotiate' | 'external';
  readonly service?: CheckService;
  /** Name of one of the written scripts. */
  readonly script?: string;
  readonly port?: number;
  readonly request?: string;
  readonly receive?: string;
  readonly virtualHost?: string;
  readonly statuses?: readonly StatusRange[];
  readonly timeout?: Millis;
  readonly interval?: Millis;
  readonly failures?: number;
  /** Piranha's check; texts in the form of `hactl_send` and `hactl_expect`. */
  readonly sendExpect?: {readonly send?: string; readonly expect?: string; readonly regex: boolean};
  /** Consecutive passed checks before a failed server returns to service. */
  readonly rise?: number;
}

export interface ImportedVirtual {
  readonly span: Span;
  readonly comment?: string;
  readonly address: VirtualAddress;
  readonly reals: readonly ImportedReal[];
  readonly fallback?: {readonly address: string; readonly port: number; readonly method: ForwardMethod};
  readonly check: ImportedCheck;
  /** The check script prints weights. */
  readonly isDynamic?: boolean;
  readonly scheduler: string;
  readonly schedFlags?: string;
  /** Seconds. */
  readonly persistent?: number;
  readonly netmask?: string;
  readonly ops: boolean;
  readonly quiescent: boolean;
}

type WithoutSpan<T> = T extends unknown ? Omit<T, 'span'> : never;

export interface ImportedGroup {
  readonly node: string;
  readonly vips: readonly Vip[];
  readonly sync?: {readonly device: string; readonly id: number};
  /** Names of scripts in resource.d. */
  readonly scripts: readonly string[];
  /** Mail recipients when the group starts or stops. */
  readonly mailTo?: readonly string[];
}

export interface ImportedPair {
  /** In the order of the node lines. */
  readonly nodes: readonly string[];
  readonly media: readonly WithoutSpan<Medium>[];
  readonly keepalive: Millis;
  readonly deadtime: Millis;
  readonly autoFailback: boolean;
  readonly preemptDelay?: Millis;
  /** `hactl_track_script`: interval and command; a name without a slash is one of the written scripts. */
  readonly trackScripts?: readonly {readonly every: Millis; readonly command: string}[];
  readonly trackInterfaces?: readonly string[];
  /** A check script prints its server's weight. */
  readonly dynamicWeight?: boolean;
  readonly groups: readonly ImportedGroup[];
  /** The key from the source; undefined: a key is generated. */
  readonly secret?: string;
}

/** A script written beside the configuration, mode 755. */
export interface ImportedScript {
  /** Relative to the configuration directory. */
  readonly name: string;
  readonly text: string;
}

export interface Imported {
  readonly kind: ImportKind;
  /** undefined: the source has no failover configuration, only an IPVS table. */
  readonly pair?: ImportedPair;
  readonly virtuals: readonly ImportedVirtual[];
  readonly email?: {readonly to: readonly string[]; readonly from?: string; readonly smtp?: string};
  readonly scripts: readonly ImportedScript[];
  readonly notes: readonly Note[];
  /** Place of the mail settings in the source. */
  readonly emailSpan?: Span;
}

/** Facts that are not in the source, from the machine or the user. */
export interface ImportContext {
  /** Names of this director and of its peer, as `uname -n` prints them. */
  readonly node: string;
  readonly peer: string;
  /** False: the peer's name was not given, `peer` is a placeholder. */
  readonly peerKnown: boolean;
  /** keepalived's -i: selects the @lines. */
  readonly configId: string;
  /** This machine's addresses. */
  readonly addresses: readonly {readonly device: string; readonly address: string}[];
  /** lvs.cf: which of the two directors this machine is; undefined: detected from `addresses`. */
  readonly as?: 'primary' | 'backup';
  /** The directory where the files will be used; paths of scripts start with it. */
  readonly installDir: string;
  readonly resolve: Resolver;
  /** The peer's keepalived.conf: settings of the pair are computed from both files. */
  readonly peerSource?: ImportSource;
  /** Text of an included file; undefined: unreadable. */
  readonly read: (path: string) => string | undefined;
  /** Files that match the pattern of an include, sorted. */
  readonly glob: (pattern: string) => readonly string[];
}

export interface ImportSource {
  readonly path: string;
  readonly text: string;
}

export interface Parsed {
  readonly imported: Imported;
  readonly diagnostics: readonly Diagnostic[];
  /** Included files, to render diagnostics and notes. */
  readonly sources: ReadonlyMap<string, {readonly text: string}>;
}
