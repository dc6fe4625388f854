/** Reads a configuration directory as check-config does. */
import {loadCluster, type LoadResult} from '@hactl/config';
import {readSource} from '../../configuration/read-source.ts';
import {withNames, type NameOptions} from '../../configuration/names.ts';

/** Lenient reading, judged as on `node`. */
export const loadFiles = (dir: string, node: string, names: NameOptions = {}): Promise<LoadResult> =>
  withNames(
    (resolve) => loadCluster({dir, read: readSource, mode: 'lenient', localNode: node, resolve}),
    names,
  );
