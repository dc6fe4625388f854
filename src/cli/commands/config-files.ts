/** A configuration directory, read as check-config reads it. */
import {loadCluster, type LoadResult} from '@hactl/config';
import {readSource} from '../../configuration/read-source.ts';
import {withNames} from '../../configuration/names.ts';

/** Lenient reading, judged as on `node`. */
export const loadFiles = (dir: string, node: string): Promise<LoadResult> =>
  withNames((resolve) => loadCluster({dir, read: readSource, mode: 'lenient', localNode: node, resolve}));
