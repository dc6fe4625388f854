import test from 'ava';
import {carryOut} from './carry-out.ts';
import type {Destination, Operation, Service, ServiceKey} from './model.ts';
import {plan} from './plan.ts';
import {makeMemoryIpvs} from './testing/index.ts';

const key = (port: number): ServiceKey => ({
  kind: 'address',
  family: 4,
  protocol: 'tcp',
  address: '10.0.0.100',
  port,
});
const service = (port: number, scheduler = 'wlc'): Service => ({
  key: key(port),
  scheduler,
  flags: {ops: false, flag1: false, flag2: false, flag3: false},
  netmask: 32,
});
const real = (address: string, more: Partial<Destination> = {}): Destination => ({
  family: 4,
  address,
  port: 80,
  forward: 'masq',
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
  ...more,
});

test('a refused server or service does not prevent the rest from being programmed', async (t) => {
  const ipvs = makeMemoryIpvs();
  const wanted = [
    {service: service(80), destinations: [real('10.0.0.1'), real('0.0.0.0'), real('10.0.0.2')]},
    {service: service(81, 'none-such'), destinations: [real('10.0.0.1')]},
    {service: service(82), destinations: [real('10.0.0.3')]},
  ];
  const outcomes = await carryOut(ipvs, plan([], wanted));
  t.deepEqual(
    outcomes.flatMap(({operation, error}) =>
      error
        ? [[operation.type, 'destination' in operation ? operation.destination.address : '', error.code]]
        : [],
    ),
    [
      ['new-dest', '0.0.0.0', 'EINVAL'],
      ['new-service', '', 'ENOENT'],
    ],
  );
  t.is(outcomes.filter(({error}) => !error).length, 5);
  t.deepEqual(
    (await ipvs.list()).map((observed) => observed.destinations.length),
    [2, 1],
  );
});

test('if the table changed since it was read, it still ends as desired', async (t) => {
  const ipvs = makeMemoryIpvs();
  const before = [
    {service: service(80), destinations: [real('10.0.0.1'), real('10.0.0.2'), real('10.0.0.4')]},
  ];
  const wanted = [
    {
      service: service(80, 'rr'),
      destinations: [real('10.0.0.1', {weight: 5}), real('10.0.0.3'), real('10.0.0.4')],
    },
    {service: service(81), destinations: []},
  ];
  const operations = plan(before, wanted, {owned: () => true});
  // The table was cleared, and another program has added one of the new services and one of the new servers.
  const others: Operation[] = [
    {type: 'new-service', service: service(81, 'lc')},
    {type: 'new-service', service: service(80)},
    {type: 'new-dest', key: key(80), destination: real('10.0.0.3', {weight: 9})},
    {type: 'new-dest', key: key(80), destination: real('10.0.0.4')},
  ];
  for (const operation of others) await ipvs.apply(operation);
  const outcomes = await carryOut(ipvs, operations);
  t.deepEqual(
    outcomes.map(({operation, error}) => [operation, error]),
    operations.map((operation) => [operation, undefined]),
  );
  t.true(outcomes.some(({differs}) => differs === true));
  t.deepEqual(plan(await ipvs.list(), wanted, {owned: () => true}), []);
});

test('deleting a missing entry is not a failure', async (t) => {
  const operations: Operation[] = [
    {type: 'del-dest', key: key(80), destination: real('10.0.0.1')},
    {type: 'del-service', key: key(80)},
  ];
  t.deepEqual(
    await carryOut(makeMemoryIpvs(), operations),
    operations.map((operation) => ({operation, differs: true})),
  );
});

test('errors other than the kernel’s are thrown', async (t) => {
  const ipvs = {apply: () => Promise.reject(new TypeError('a mistake'))};
  await t.throwsAsync(carryOut(ipvs, [{type: 'del-service', key: key(80)}]), {instanceOf: TypeError});
});
