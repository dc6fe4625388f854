/**
 * What an importer makes of a foreign configuration, before it is written as our files: the same words whatever the
 * source. Every statement of the source gets one note that says what became of it. Pure.
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

/** exact: means the same here. approximated: the message says what differs. not: left out, the message says why. */
export type Fate = 'exact' | 'approximated' | 'not';

export interface Note {
  readonly fate: Fate;
  readonly span: Span;
  /** The statement, as people would quote it. */
  readonly what: string;
  /** Where it went, how it differs, or why it was left out. */
  readonly message: string;
  /** After the switch something is down, unwatched or different because of it: shown last and in red. */
  readonly matters?: true;
}

export interface ImportedReal {
  readonly address: string;
  /** 0: the virtual's. */
  readonly port: number;
  readonly method: ForwardMethod;
  readonly weight: number;
  readonly request?: string;
  readonly receive?: string;
  readonly lowerThreshold: number;
  readonly upperThreshold: number;
  /** Where its check is not the virtual service's: one hactl_check line. */
  readonly check?: RealCheck;
  /** Where it stands in the source. */
  readonly span?: Span;
}

export interface ImportedCheck {
  readonly type: 'on' | 'connect' | 'ping' | 'negotiate' | 'external';
  readonly service?: CheckService;
  /** The name of one of the scripts that are written too. */
  readonly script?: string;
  readonly port?: number;
  readonly request?: string;
  readonly receive?: string;
  readonly virtualHost?: string;
  readonly statuses?: readonly StatusRange[];
  readonly timeout?: Millis;
  readonly interval?: Millis;
  readonly failures?: number;
  /** Piranha's check; texts as `hactl_send` and `hactl_expect` hold them. */
  readonly sendExpect?: {readonly send?: string; readonly expect?: string; readonly regex: boolean};
  /** Passed checks in a row before a server that was down is back. */
  readonly rise?: number;
}

export interface ImportedVirtual {
  readonly span: Span;
  readonly comment?: string;
  readonly address: VirtualAddress;
  readonly reals: readonly ImportedReal[];
  readonly fallback?: {readonly address: string; readonly port: number; readonly method: ForwardMethod};
  readonly check: ImportedCheck;
  /** Its script prints weights. */
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
  /** Who is mailed when the group comes and goes. */
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
  /** `hactl_track_script`: how often, and the command; a name without a slash is one of the written scripts. */
  readonly trackScripts?: readonly {readonly every: Millis; readonly command: string}[];
  readonly trackInterfaces?: readonly string[];
  /** A check's program says its server's weight. */
  readonly dynamicWeight?: boolean;
  readonly groups: readonly ImportedGroup[];
  /** A key that the source has; undefined: one is generated. */
  readonly secret?: string;
}

/** A program that is written beside the configuration, mode 755. */
export interface ImportedScript {
  /** Relative to the configuration directory. */
  readonly name: string;
  readonly text: string;
}

export interface Imported {
  readonly kind: ImportKind;
  /** undefined: the source has no failover, nothing but a table. */
  readonly pair?: ImportedPair;
  readonly virtuals: readonly ImportedVirtual[];
  readonly email?: {readonly to: readonly string[]; readonly from?: string; readonly smtp?: string};
  readonly scripts: readonly ImportedScript[];
  readonly notes: readonly Note[];
  /** Where the mail settings stand in the source. */
  readonly emailSpan?: Span;
}

/** What the source does not say, and the machine or the user does. */
export interface ImportContext {
  /** This director and the other one, as `uname -n` prints them. */
  readonly node: string;
  readonly peer: string;
  /** False: nobody gave the peer's name, and the one here is a stand-in. */
  readonly peerKnown: boolean;
  /** keepalived's -i: which @lines count. */
  readonly configId: string;
  /** This machine's addresses. */
  readonly addresses: readonly {readonly device: string; readonly address: string}[];
  /** lvs.cf: which of its two directors this machine is; undefined: told by the addresses. */
  readonly as?: 'primary' | 'backup';
  /** Where the files will be used; scripts are named by it. */
  readonly installDir: string;
  readonly resolve: Resolver;
  /** The peer's keepalived.conf: what the pair has in common is computed from both. */
  readonly peerSource?: ImportSource;
  /** An included file; undefined: it cannot be read. */
  readonly read: (path: string) => string | undefined;
  /** Files that match an include's pattern, sorted. */
  readonly glob: (pattern: string) => readonly string[];
}

export interface ImportSource {
  readonly path: string;
  readonly text: string;
}

export interface Parsed {
  readonly imported: Imported;
  readonly diagnostics: readonly Diagnostic[];
  /** Included files, for the rendering of diagnostics and notes. */
  readonly sources: ReadonlyMap<string, {readonly text: string}>;
}
