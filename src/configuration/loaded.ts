import type {ClusterConfig} from '@hactl/config';
import type {EngineConfig} from '@hactl/failover';

/** A configuration that passed all checks, with what was computed from it. */
export interface Loaded {
  readonly cluster: ClusterConfig;
  readonly engine?: EngineConfig;
  readonly digest: string;
  readonly notices: number;
  readonly at: number;
}
