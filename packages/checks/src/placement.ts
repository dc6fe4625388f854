/** Assigns virtual services to processes: all servers of a service to the same process, two services apart where possible. Pure. */
import type {CheckSpec} from './messages.ts';

/** The virtual service of a check, the unit of isolation. */
export const virtualOf = ({protocol, virtualAddress, virtualPort}: CheckSpec): string =>
  `${protocol} ${virtualAddress} ${virtualPort}`;

/** External commands have a process of their own: another user, processes instead of sockets. */
export const isCommand = ({checkType}: CheckSpec): boolean =>
  checkType.kind === 'external' || checkType.kind === 'external-perl';

/** With at least this many virtual services there are more than two processes, if there are processors for them. */
const MANY = 200;
const SHARDS_MAX = 4;

/** The number of processes: a single service needs one, and each takes about 12 MB. */
export function shardCount(virtuals: number, processors: number): number {
  if (virtuals <= 1) return 1;
  return virtuals < MANY ? 2 : Math.max(2, Math.min(SHARDS_MAX, processors));
}

/**
 * Assigns every virtual service. An assigned service stays, so that a reload moves nothing; a new one goes to the process with
 * the fewest servers, of several to the first.
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

/** The maximum number of quarantine processes: on a single processor a second one is useless. */
export const quarantinesMax = (processors: number): number => (processors <= 2 ? 1 : 2);

/**
 * The quarantine for a server of this virtual service: the one with other servers of it, else a new one while another is
 * allowed, else the one with the fewest services. `occupied`: the services in each; the result may be the next free index.
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

/** Services with a protocol implementation: a UDP service without one is pinged. */
export const dialogues: ReadonlySet<string> = new Set([
  'dns', 'ftp', 'http', 'http_proxy', 'https', 'imap', 'imaps', 'ldap', 'ldaps', 'mysql', 'nntp', 'pgsql', 'pop', 'pops',
  'radius', 'send-expect', 'simpletcp', 'sip', 'smtp', 'submission',
]); // prettier-ignore

/** Could this check send a ping? */
export function mayPing({checkType: {kind}, protocol, service}: CheckSpec): boolean {
  if (kind === 'ping') return true;
  if (protocol !== 'udp') return false;
  return (
    kind === 'connect' ||
    ((kind === 'negotiate' || kind === 'combined') && !dialogues.has(service) && service !== 'none')
  );
}
