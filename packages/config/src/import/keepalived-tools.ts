/** Types and constants shared by the parsers of VRRP blocks. */
import type {Millis} from '@hactl/base';
import type {ImportContext, ImportedScript} from './imported.ts';
import type {Tools} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';

/** Defaults for all instances, from global_defs. */
export interface VrrpDefaults {
  readonly isThird: boolean;
  /** vrrp_strict. */
  readonly isStrict: boolean;
  readonly isMailed: boolean;
  readonly mailTo: readonly string[];
}

export interface VrrpTools extends Tools {
  readonly context: ImportContext;
  readonly scripts: ImportedScript[];
  readonly defaults: VrrpDefaults;
}

/** keepalived's default: once a second. */
export const INTERVAL = 1_000;
export const WEIGHT = 'any failure makes the peer preferred, regardless of the weight';

/** A script or a process that instances track. */
export interface Definition {
  readonly statement: Statement;
  readonly every: Millis;
  /** A shell command. */
  readonly command: string;
  readonly rise: number;
  readonly fall: number;
  readonly isWeighed: boolean;
  /** `weight N reverse`: a failure counts as good. */
  readonly isReversed: boolean;
}
