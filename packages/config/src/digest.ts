/** Everything that must be the same on both directors, as one stable text. Pure. */
import {pairFacts} from './facts.ts';
import type {ClusterConfig} from './model.ts';

/** For the hash in the adverts; it contains keys and passwords. The order of services and servers and the files' names make no difference. */
export function digestCluster(cluster: ClusterConfig): string {
  const lines = pairFacts(cluster).map(({directive, value}) => JSON.stringify([directive, value]));
  return lines.toSorted().join('\n');
}
