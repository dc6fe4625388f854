import test from 'ava';
import fc from 'fast-check';
import {plan, type Destination, type Operation, type ServiceKey, type VirtualTable} from './index.ts';
import {destinationText, keyText} from './plan.ts';
import {makeMemoryIpvs} from './testing/index.ts';

const key = (port: number): ServiceKey => ({
  kind: 'address',
  family: 4,
  protocol: 'tcp',
  address: '10.77.0.100',
  port,
});
const destination = (host: number, weight = 1): Destination => ({
  family: 4,
  address: `10.77.0.${host}`,
  port: 80,
  forward: 'gate',
  weight,
  upperThreshold: 0,
  lowerThreshold: 0,
});
const table = (port: number, ...destinations: Destination[]): VirtualTable => ({
  service: {
    key: key(port),
    scheduler: 'wlc',
    flags: {ops: false, flag1: false, flag2: false, flag3: false},
    netmask: 32,
  },
  destinations,
});

const arbitraryTables = fc.uniqueArray(
  fc
    .record({
      port: fc.integer({min: 1, max: 4}),
      scheduler: fc.constantFrom('rr', 'wlc', 'sh'),
      persistent: fc.option(fc.constantFrom(60, 300), {nil: undefined}),
      ops: fc.boolean(),
      reals: fc.uniqueArray(
        fc.record({
          host: fc.integer({min: 10, max: 14}),
          weight: fc.integer({min: 0, max: 2}),
          forward: fc.constantFrom('gate', 'masq', 'ipip'),
        }),
        {selector: (real) => real.host, maxLength: 5},
      ),
    })
    .map(({port, scheduler, persistent, ops, reals}): VirtualTable => {
      const {service} = table(port);
      return {
        service: {
          ...service,
          scheduler,
          flags: {...service.flags, ops},
          ...(persistent === undefined ? {} : {persistent}),
        },
        destinations: reals.map((real) => ({...destination(real.host, real.weight), forward: real.forward})),
      };
    }),
  {selector: (table) => keyText(table.service.key), maxLength: 4},
);

/** Order of services and of destinations carries no meaning. */
const sorted = (tables: readonly VirtualTable[]): VirtualTable[] =>
  tables
    .map(({service, destinations}) => ({
      service,
      destinations: destinations.toSorted((a, b) => destinationText(a).localeCompare(destinationText(b))),
    }))
    .toSorted((a, b) => keyText(a.service.key).localeCompare(keyText(b.service.key)));

const everything = {owned: () => true};

test('executing a plan on the table in memory gives the desired table, and a second plan is empty', async (t) => {
  await fc.assert(
    fc.asyncProperty(arbitraryTables, arbitraryTables, async (before, after) => {
      const ipvs = makeMemoryIpvs();
      for (const operation of plan([], before)) await ipvs.apply(operation);
      const observe = async (): Promise<VirtualTable[]> =>
        (await ipvs.list()).map(({service, destinations}) => ({
          service,
          destinations: destinations.map(
            ({family, address, port, forward, weight, upperThreshold, lowerThreshold}) => ({
              family,
              address,
              port,
              forward,
              weight,
              upperThreshold,
              lowerThreshold,
            }),
          ),
        }));
      for (const operation of plan(await observe(), after, everything)) await ipvs.apply(operation);
      t.deepEqual(sorted(await observe()), sorted(after));
      t.deepEqual(plan(await observe(), after, everything), []);
    }),
    {numRuns: 200},
  );
});

test('entries that stay are not deleted, and existing ones are not added', (t) => {
  fc.assert(
    fc.property(arbitraryTables, arbitraryTables, (before, after) => {
      const names = (tables: readonly VirtualTable[]): Set<string> =>
        new Set(
          tables.flatMap((table) => [
            keyText(table.service.key),
            ...table.destinations.map((real) => `${keyText(table.service.key)} > ${destinationText(real)}`),
          ]),
        );
      const [old, wanted] = [names(before), names(after)];
      const nameOf = (operation: Operation): string =>
        operation.type === 'new-service' || operation.type === 'set-service'
          ? keyText(operation.service.key)
          : operation.type === 'del-service'
            ? keyText(operation.key)
            : `${keyText(operation.key)} > ${destinationText(operation.destination)}`;
      for (const operation of plan(before, after, everything)) {
        if (operation.type.startsWith('del-')) t.false(wanted.has(nameOf(operation)));
        if (operation.type.startsWith('new-')) t.false(old.has(nameOf(operation)));
        if (operation.type.startsWith('set-')) t.true(old.has(nameOf(operation)));
      }
    }),
    {numRuns: 200},
  );
});

test('new servers come first, then weight increases, then decreases, then removals', (t) => {
  const before = table(80, destination(10), destination(11, 5), destination(12, 1));
  const after = table(80, destination(11, 0), destination(12, 4), destination(13));
  t.deepEqual(
    plan([before], [after]).map((operation) => [
      operation.type,
      'destination' in operation ? operation.destination.address : '',
    ]),
    [
      ['new-dest', '10.77.0.13'],
      ['set-dest', '10.77.0.12'],
      ['set-dest', '10.77.0.11'],
      ['del-dest', '10.77.0.10'],
    ],
  );
});

test('an unwanted service is deleted only if it is ours', (t) => {
  const tables = [table(80), table(443)];
  t.deepEqual(plan(tables, []), []);
  t.deepEqual(plan(tables, [], {owned: (key) => key.kind === 'address' && key.port === 443}), [
    {type: 'del-service', key: key(443)},
  ]);
});
