/** The difference between two tables as operations that never leave a service without a server in between. Pure. */
import type {Destination, Operation, Service, ServiceKey, VirtualTable} from './model.ts';

/** A key as text: equal keys have equal texts. */
export function keyText(key: ServiceKey): string {
  return key.kind === 'fwmark'
    ? `fwmark ${key.family} ${key.mark}`
    : `${key.protocol} ${key.family} ${key.address} ${key.port}`;
}

/** The key of a destination within its service. */
export const destinationText = (destination: Destination): string =>
  `${destination.address} ${destination.port}`;

const sameFlags = (left: Service, right: Service): boolean =>
  left.flags.ops === right.flags.ops &&
  left.flags.flag1 === right.flags.flag1 &&
  left.flags.flag2 === right.flags.flag2 &&
  left.flags.flag3 === right.flags.flag3;

/** Whether two services with the same key have the same settings. The netmask matters for persistent ones only. */
export function sameService(left: Service, right: Service): boolean {
  return (
    left.scheduler === right.scheduler &&
    (left.persistent ?? 0) === (right.persistent ?? 0) &&
    (left.persistent === undefined || (left.netmask === right.netmask && left.mask === right.mask)) &&
    (left.persistenceEngine ?? '') === (right.persistenceEngine ?? '') &&
    sameFlags(left, right)
  );
}

const sameDestination = (left: Destination, right: Destination): boolean =>
  left.weight === right.weight &&
  left.forward === right.forward &&
  left.upperThreshold === right.upperThreshold &&
  left.lowerThreshold === right.lowerThreshold &&
  left.tunnel?.type === right.tunnel?.type &&
  left.tunnel?.port === right.tunnel?.port &&
  left.tunnel?.checksum === right.tunnel?.checksum;

export interface PlanOptions {
  /** Which kernel services may be deleted if unwanted; by default none: others may own them. */
  readonly owned?: (key: ServiceKey) => boolean;
}

/**
 * Operations that turn `current` into `desired`, in order of execution. Settings are edited in place. Within a service: new
 * servers, then weight increases, then decreases, then removals. Of two desired services with the same key the last one
 * counts. Planning again afterwards gives nothing.
 */
export function plan(
  current: readonly VirtualTable[],
  desired: readonly VirtualTable[],
  options: PlanOptions = {},
): Operation[] {
  const currentTables = new Map(current.map((table) => [keyText(table.service.key), table]));
  const wanted = new Map(desired.map((table) => [keyText(table.service.key), table]));
  const operations: Operation[] = [];
  for (const [text, table] of wanted) {
    const existing = currentTables.get(text);
    if (!existing) operations.push({type: 'new-service', service: table.service});
    else if (!sameService(existing.service, table.service))
      operations.push({type: 'set-service', service: table.service});
    operations.push(...planDestinations(table.service.key, existing?.destinations ?? [], table.destinations));
  }
  for (const [text, table] of currentTables)
    if (!wanted.has(text) && options.owned?.(table.service.key))
      operations.push({type: 'del-service', key: table.service.key});
  return operations;
}

function planDestinations(
  key: ServiceKey,
  current: readonly Destination[],
  desired: readonly Destination[],
): Operation[] {
  const currentDestinations = new Map(
    current.map((destination) => [destinationText(destination), destination]),
  );
  const wanted = new Map(desired.map((destination) => [destinationText(destination), destination]));
  const [added, raised, lowered, removed]: Operation[][] = [[], [], [], []];
  for (const [text, destination] of wanted) {
    const existing = currentDestinations.get(text);
    if (!existing) added?.push({type: 'new-dest', key, destination});
    else if (!sameDestination(existing, destination))
      (destination.weight >= existing.weight ? raised : lowered)?.push({type: 'set-dest', key, destination});
  }
  for (const [text, destination] of currentDestinations)
    if (!wanted.has(text)) removed?.push({type: 'del-dest', key, destination});
  return [added, raised, lowered, removed].flatMap((list) => list ?? []);
}
