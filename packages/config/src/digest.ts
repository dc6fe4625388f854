/** What must be equal on both directors, as one stable text. Pure. */
import {pairFacts} from './facts.ts';
import type {ClusterConfig} from './model.ts';

/** To be hashed for the adverts: it holds the keys and passwords. The order of virtuals and reals in their files does not count, nor do the files' names. */
export function digestCluster(cluster: ClusterConfig): string {
  const lines = pairFacts(cluster).map(({directive, value}) => JSON.stringify([directive, value]));
  return lines.toSorted().join('\n');
}
