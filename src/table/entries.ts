/** The entries of the kernel's table that operations affect. Pure. */
import {
  destinationText,
  keyText,
  plan,
  type Destination,
  type Operation,
  type ServiceKey,
  type VirtualTable,
} from '@hactl/ipvs';

const keyOf = (operation: Operation): ServiceKey =>
  'service' in operation ? operation.service.key : operation.key;

/** The service, or the server in it, that an operation changes, as text. */
export const entryOf = (operation: Operation): string =>
  'destination' in operation
    ? `${keyText(operation.key)} > ${destinationText(operation.destination)}`
    : keyText(keyOf(operation));

/** Whether to hold back an operation while `refused` is not retried: nothing can be added to a missing service. */
export function blocks(refused: Operation, operation: Operation, current: readonly VirtualTable[]): boolean {
  if (entryOf(refused) === entryOf(operation)) return true;
  if (refused.type !== 'new-service') return false;
  const key = keyText(keyOf(refused));
  return keyText(keyOf(operation)) === key && !current.some(({service}) => keyText(service.key) === key);
}

/** The services with these keys, without the kernel's counters. */
export const onlyThese = (
  tables: readonly VirtualTable[],
  keys: ReadonlySet<string>,
): readonly VirtualTable[] =>
  tables
    .filter(({service}) => keys.has(keyText(service.key)))
    .map(({service, destinations}) => ({service, destinations}));

/** The table after operations that the kernel performed. */
export function afterOperations(
  tables: readonly VirtualTable[],
  operations: readonly Operation[],
): readonly VirtualTable[] {
  const services = new Map(tables.map((table) => [keyText(table.service.key), table.service]));
  const servers = new Map(
    tables.map(({service, destinations}) => [
      keyText(service.key),
      new Map(destinations.map((destination) => [destinationText(destination), destination])),
    ]),
  );
  for (const operation of operations) {
    const key = keyText(keyOf(operation));
    if (operation.type === 'del-service') services.delete(key);
    else if ('service' in operation) services.set(key, operation.service);
    else if (operation.type === 'del-dest') servers.get(key)?.delete(destinationText(operation.destination));
    else {
      const destinations = servers.get(key) ?? new Map<string, Destination>();
      servers.set(key, destinations.set(destinationText(operation.destination), operation.destination));
    }
    if (operation.type === 'new-service' || operation.type === 'del-service') servers.delete(key);
  }
  return [...services].map(([key, service]) => ({
    service,
    destinations: [...(servers.get(key)?.values() ?? [])],
  }));
}

/** A difference between the kernel's table and the table as we left it. */
export interface Drift {
  /** The operation that corrects it. */
  readonly operation: Operation;
  /** The real server as found. */
  readonly found?: Destination;
}

/** The operations that undo another program's changes since the table was left as `expected`. */
export function driftOf(
  current: readonly VirtualTable[],
  expected: readonly VirtualTable[] | undefined,
  operations: readonly Operation[],
): readonly Drift[] {
  if (expected === undefined || operations.length === 0) return [];
  const keys = new Set(expected.map(({service}) => keyText(service.key)));
  const ours = onlyThese(current, keys);
  const changed = new Set(plan(ours, expected, {owned: () => true}).map(entryOf));
  if (changed.size === 0) return [];
  const found = new Map<string, Destination>(
    ours.flatMap(({service, destinations}) =>
      destinations.map(
        (destination) => [`${keyText(service.key)} > ${destinationText(destination)}`, destination] as const,
      ),
    ),
  );
  return operations
    .filter((operation) => changed.has(entryOf(operation)))
    .map((operation) => {
      const destination = found.get(entryOf(operation));
      return {operation, ...(destination === undefined ? {} : {found: destination})};
    });
}
