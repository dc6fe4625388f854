/** Which process checks which virtual service: all servers of one in one, and two services apart where possible. Pure. */
import type {CheckSpec} from './messages.ts';

/** The virtual service of a check; what its servers do to the process is not another one's trouble. */
export const virtualOf = ({protocol, virtualAddress, virtualPort}: CheckSpec): string =>
  `${protocol} ${virtualAddress} ${virtualPort}`;

/** External commands are a matter of their own: another user, processes instead of sockets. */
export const isCommand = ({checkType}: CheckSpec): boolean =>
  checkType.kind === 'external' || checkType.kind === 'external-perl';

/** From so many virtual services on there are more than two processes, where there are processors for them. */
const MANY = 200;
const SHARDS_MAX = 4;

/** How many processes: a single service needs one, and a process takes about 12 MB. */
export function shardCount(virtuals: number, processors: number): number {
  if (virtuals <= 1) return 1;
  return virtuals < MANY ? 2 : Math.max(2, Math.min(SHARDS_MAX, processors));
}

/**
 * Places every virtual service. One that has a place keeps it, so that a reload moves nothing; a new one goes where the
 * fewest servers are, the first of these.
 */
export function placeVirtuals(
  specs: readonly CheckSpec[],
  before: ReadonlyMap<string, number>,
  shards: number,
): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const spec of specs) sizes.set(virtualOf(spec), (sizes.get(virtualOf(spec)) ?? 0) + 1);
  const placed = new Map<string, number>();
  const load = Array.from({length: shards}, () => 0);
  const put = (virtual: string, shard: number): void => {
    placed.set(virtual, shard);
    load[shard] = (load[shard] ?? 0) + (sizes.get(virtual) ?? 0);
  };
  for (const virtual of sizes.keys()) {
    const shard = before.get(virtual);
    if (shard !== undefined && shard < shards) put(virtual, shard);
  }
  for (const virtual of sizes.keys()) if (!placed.has(virtual)) put(virtual, load.indexOf(Math.min(...load)));
  return placed;
}

/** How many processes the quarantine may have: where they would share one processor with all else, a second is no use. */
export const quarantinesMax = (processors: number): number => (processors <= 2 ? 1 : 2);

/**
 * Which quarantine takes a server of this virtual service: the one that has others of it, else one of its own while there
 * may be another, else the one with the fewest services. `occupied`: the services in each; the answer may be the next index.
 */
export function quarantineFor(
  virtual: string,
  occupied: readonly ReadonlySet<string>[],
  most: number,
): number {
  const own = occupied.findIndex((virtuals) => virtuals.has(virtual));
  if (own !== -1) return own;
  if (occupied.length < most) return occupied.length;
  const sizes = occupied.map(({size}) => size);
  return sizes.indexOf(Math.min(...sizes));
}

/** Services with a dialogue: a datagram service without one is pinged. */
export const dialogues: ReadonlySet<string> = new Set([
  'dns', 'ftp', 'http', 'http_proxy', 'https', 'imap', 'imaps', 'ldap', 'ldaps', 'mysql', 'nntp', 'pgsql', 'pop', 'pops',
  'radius', 'send-expect', 'simpletcp', 'sip', 'smtp', 'submission',
]); // prettier-ignore

/** Can this check come to send a ping? */
export function mayPing({checkType: {kind}, protocol, service}: CheckSpec): boolean {
  if (kind === 'ping') return true;
  if (protocol !== 'udp') return false;
  return (
    kind === 'connect' ||
    ((kind === 'negotiate' || kind === 'combined') && !dialogues.has(service) && service !== 'none')
  );
}
