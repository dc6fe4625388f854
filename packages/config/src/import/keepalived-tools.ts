/** What the readers of VRRP's blocks hand on to one another. */
import type {ImportContext, ImportedScript} from './imported.ts';
import type {Tools} from './keepalived-block.ts';

/** What global_defs says for all instances. */
export interface VrrpDefaults {
  readonly isThird: boolean;
  readonly isMailed: boolean;
  readonly mailTo: readonly string[];
}

export interface VrrpTools extends Tools {
  readonly context: ImportContext;
  readonly scripts: ImportedScript[];
  readonly defaults: VrrpDefaults;
}
