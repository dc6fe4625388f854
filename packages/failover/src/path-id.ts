/** The wire id of a heartbeat path, and which datagrams may belong to a path. Pure. */
import type {EnginePath} from './messages.ts';

const kinds = ['bcast', 'mcast', 'ucast'] as const;

/** Kind and index among the paths of that kind: two ha.cf may order different kinds differently. */
export function pathIds(paths: readonly EnginePath[]): number[] {
  const counts = {bcast: 0, mcast: 0, ucast: 0};
  return paths.map(({kind}) => {
    const ordinal = counts[kind];
    counts[kind] += 1;
    return (kinds.indexOf(kind) << 6) | (ordinal & 0x3f);
  });
}

/**
 * The path that an advert was signed for, if it can have arrived on it: sockets of one interface and port share unicast and
 * broadcast datagrams; undefined: recorded elsewhere. `id`: as signed; `arrived`: the index of the receiving path.
 */
export function signedPath(paths: readonly EnginePath[], id: number, arrived: number): number | undefined {
  const index = pathIds(paths).indexOf(id);
  const [signed, via] = [paths[index], paths[arrived]];
  if (!signed || !via) return undefined;
  if (index === arrived) return index;
  const shared = signed.kind !== 'mcast' && via.kind !== 'mcast';
  return shared && signed.device === via.device && signed.port === via.port ? index : undefined;
}

/** Drops this machine's own addresses: heartbeat's files list both directors' `ucast` lines, and each skips its own. */
export const peerPaths = (
  paths: readonly EnginePath[],
  localAddresses: ReadonlySet<string>,
): readonly EnginePath[] => paths.filter((path) => path.kind !== 'ucast' || !localAddresses.has(path.peer));
