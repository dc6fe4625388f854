import type {ClusterConfig} from '@hactl/config';
import type {EngineConfig} from '@hactl/failover';

/** A configuration that passed all checks, with the data derived from it. */
export interface Loaded {
  readonly cluster: ClusterConfig;
  readonly engine?: EngineConfig;
  readonly digest: string;
  /** External checks run as root: the package's user cannot run one of them, and ha.cf names no other. */
  readonly scriptsAsRoot?: true;
  readonly notices: number;
  readonly at: number;
}
