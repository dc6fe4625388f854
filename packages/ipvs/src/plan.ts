/** The difference between two tables as operations that never leave a service without a server in between. Pure. */
import type {Destination, Operation, Service, ServiceKey, VirtualTable} from './model.ts';

/** A key as text: equal keys have equal texts. */
export function keyText(key: ServiceKey): string {
  return key.kind === 'fwmark'
    ? `fwmark ${key.family} ${key.mark}`
    : `${key.protocol} ${key.family} ${key.address} ${key.port}`;
}

/** What tells one destination of a service from another. */
export const destinationText = (one: Destination): string => `${one.address} ${one.port}`;

const sameFlags = (one: Service, other: Service): boolean =>
  one.flags.ops === other.flags.ops &&
  one.flags.flag1 === other.flags.flag1 &&
  one.flags.flag2 === other.flags.flag2 &&
  one.flags.flag3 === other.flags.flag3;

/** Do two services with one key have the same settings. The netmask matters for persistent ones only. */
export function sameService(one: Service, other: Service): boolean {
  return (
    one.scheduler === other.scheduler &&
    (one.persistent ?? 0) === (other.persistent ?? 0) &&
    (one.persistent === undefined || (one.netmask === other.netmask && one.mask === other.mask)) &&
    (one.persistenceEngine ?? '') === (other.persistenceEngine ?? '') &&
    sameFlags(one, other)
  );
}

const sameDestination = (one: Destination, other: Destination): boolean =>
  one.weight === other.weight &&
  one.forward === other.forward &&
  one.upperThreshold === other.upperThreshold &&
  one.lowerThreshold === other.lowerThreshold &&
  one.tunnel?.type === other.tunnel?.type &&
  one.tunnel?.port === other.tunnel?.port &&
  one.tunnel?.checksum === other.tunnel?.checksum;

export interface PlanOptions {
  /** Which services of the kernel may be deleted when nobody wants them; by default none: others may own them. */
  readonly owned?: (key: ServiceKey) => boolean;
}

/**
 * Operations that turn `current` into `desired`, to be carried out in this order. Settings are edited in place. Within a
 * service: new servers, then edits that give weight, then edits that take it, then removals. Of two desired tables
 * with the same key the last one counts. Planning again afterwards gives nothing.
 */
export function plan(
  current: readonly VirtualTable[],
  desired: readonly VirtualTable[],
  options: PlanOptions = {},
): Operation[] {
  const held = new Map(current.map((table) => [keyText(table.service.key), table]));
  const wanted = new Map(desired.map((table) => [keyText(table.service.key), table]));
  const operations: Operation[] = [];
  for (const [text, table] of wanted) {
    const there = held.get(text);
    if (!there) operations.push({type: 'new-service', service: table.service});
    else if (!sameService(there.service, table.service))
      operations.push({type: 'set-service', service: table.service});
    operations.push(...planDestinations(table.service.key, there?.destinations ?? [], table.destinations));
  }
  for (const [text, table] of held)
    if (!wanted.has(text) && options.owned?.(table.service.key))
      operations.push({type: 'del-service', key: table.service.key});
  return operations;
}

function planDestinations(
  key: ServiceKey,
  current: readonly Destination[],
  desired: readonly Destination[],
): Operation[] {
  const held = new Map(current.map((one) => [destinationText(one), one]));
  const wanted = new Map(desired.map((one) => [destinationText(one), one]));
  const [added, raised, lowered, removed]: Operation[][] = [[], [], [], []];
  for (const [text, destination] of wanted) {
    const there = held.get(text);
    if (!there) added?.push({type: 'new-dest', key, destination});
    else if (!sameDestination(there, destination))
      (destination.weight >= there.weight ? raised : lowered)?.push({type: 'set-dest', key, destination});
  }
  for (const [text, destination] of held)
    if (!wanted.has(text)) removed?.push({type: 'del-dest', key, destination});
  return [added, raised, lowered, removed].flatMap((list) => list ?? []);
}
