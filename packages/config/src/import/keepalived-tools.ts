/** What the readers of VRRP's blocks hand on to one another. */
import type {Millis} from '@hactl/base';
import type {ImportContext, ImportedScript} from './imported.ts';
import type {Tools} from './keepalived-block.ts';
import type {Statement} from './keepalived-lines.ts';

/** What global_defs says for all instances. */
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

/** keepalived's defaults: once a second, one success or failure counts. */
export const INTERVAL = 1_000;
export const WEIGHT = 'what fails makes this director the worse one, however much it weighs';

/** A script or a process that instances track. */
export interface Definition {
  readonly statement: Statement;
  readonly every: Millis;
  /** For the shell. */
  readonly command: string;
  readonly rise: number;
  readonly fall: number;
  readonly isWeighed: boolean;
  /** `weight N reverse`: a failure is good. */
  readonly isReversed: boolean;
}
