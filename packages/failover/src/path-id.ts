/** How a heartbeat path is named on the wire, and which datagrams may be a path's. Pure. */
import type {EnginePath} from './messages.ts';

const kinds = ['bcast', 'mcast', 'ucast'] as const;

/** Kind and place among the paths of that kind: the order of different kinds in two ha.cf may differ. */
export function pathIds(paths: readonly EnginePath[]): number[] {
  const counts = {bcast: 0, mcast: 0, ucast: 0};
  return paths.map(({kind}) => {
    const ordinal = counts[kind];
    counts[kind] += 1;
    return (kinds.indexOf(kind) << 6) | (ordinal & 0x3f);
  });
}

/**
 * The path that an advert was signed for, when it came by that one: sockets of one interface and port share unicast and
 * broadcast datagrams; undefined: it was recorded elsewhere. `id`: as signed; `arrived`: the index of the path it came by.
 */
export function signedPath(paths: readonly EnginePath[], id: number, arrived: number): number | undefined {
  const index = pathIds(paths).indexOf(id);
  const [signed, via] = [paths[index], paths[arrived]];
  if (!signed || !via) return undefined;
  if (index === arrived) return index;
  const shared = signed.kind !== 'mcast' && via.kind !== 'mcast';
  return shared && signed.device === via.device && signed.port === via.port ? index : undefined;
}

/** Without this machine's own addresses: heartbeat's files name both directors' `ucast` lines, and each skips its own. */
export const peerPaths = (
  paths: readonly EnginePath[],
  localAddresses: ReadonlySet<string>,
): readonly EnginePath[] => paths.filter((path) => path.kind !== 'ucast' || !localAddresses.has(path.peer));
