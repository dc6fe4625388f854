import test from 'ava';
import type {RealServer, VirtualService} from '@hactl/config';
import type {VirtualTable} from '@hactl/ipvs';
import {desiredTable} from './desired.ts';
import {checkId, destinationOf, serviceOf} from './services.ts';

const span = {file: 'test.cf', start: 0, end: 0};

const real = (address: string, more: Partial<RealServer> = {}): RealServer => ({
  span,
  address,
  port: 80,
  method: 'gate',
  weight: 1,
  lowerThreshold: 0,
  upperThreshold: 0,
  ...more,
});

const virtual = (more: Partial<VirtualService> = {}): VirtualService => ({
  span,
  address: {kind: 'address', family: 4, address: '10.0.0.100', port: 80, protocol: 'tcp'},
  reals: [real('10.0.0.1', {weight: 3}), real('10.0.0.2')],
  fallback: {span, address: '127.0.0.1', port: 0, method: 'gate', weight: 1},
  checkType: {kind: 'negotiate'},
  service: 'http',
  checkCommand: '/bin/true',
  checkTimeout: 1_000,
  negotiateTimeout: 1_000,
  checkInterval: 1_000,
  checkCount: 1,
  failureCount: 1,
  httpMethod: 'GET',
  scheduler: 'rr',
  ops: false,
  quiescent: false,
  cleanStop: true,
  email: {to: [], frequency: 0, status: []},
  ...more,
});

const table = (service: VirtualService, weights: Record<string, number>): VirtualTable => ({
  service: serviceOf(service),
  destinations: Object.entries(weights).map(([address, weight]) =>
    destinationOf(service, real(address, {weight})),
  ),
});

/** The desired weights of one virtual service, by address; an absent address is not in the table. */
const weights = (
  service: VirtualService,
  states: Record<string, 'up' | 'down' | 'unknown'>,
  current: Record<string, number> | undefined,
  readdQuiescent = false,
): Record<string, number> => {
  const verdicts = new Map(
    service.reals.flatMap((real) => {
      const state = states[real.address];
      return state === undefined ? [] : [[checkId(service, real), state] as const];
    }),
  );
  const [wanted] = desiredTable({
    virtuals: [service],
    verdicts,
    current: current === undefined ? [] : [table(service, current)],
    readdQuiescent,
  });
  return Object.fromEntries((wanted?.destinations ?? []).map(({address, weight}) => [address, weight]));
};

const row = test.macro({
  exec(
    t,
    more: Partial<VirtualService>,
    states: Record<string, 'up' | 'down' | 'unknown'>,
    current: Record<string, number> | undefined,
    expected: Record<string, number>,
  ) {
    t.deepEqual(weights(virtual(more), states, current), expected);
  },
  title: (given) => given ?? '',
});

test(
  'no real server gets traffic before its first passed check; the fallback serves',
  row,
  {},
  {},
  undefined,
  {
    '127.0.0.1': 1,
  },
);
test('up: the configured weight', row, {}, {'10.0.0.1': 'up', '10.0.0.2': 'up'}, undefined, {
  '10.0.0.1': 3,
  '10.0.0.2': 1,
});
test(
  'down without quiescent: removed from the table',
  row,
  {},
  {'10.0.0.1': 'down', '10.0.0.2': 'up'},
  {'10.0.0.1': 3, '10.0.0.2': 1},
  {
    '10.0.0.2': 1,
  },
);
test(
  'down with quiescent: weight 0 while it is in the table',
  row,
  {quiescent: true},
  {'10.0.0.1': 'down', '10.0.0.2': 'up'},
  {'10.0.0.1': 3, '10.0.0.2': 1},
  {
    '10.0.0.1': 0,
    '10.0.0.2': 1,
  },
);
test(
  'down with quiescent, not in the table: not added',
  row,
  {quiescent: true},
  {'10.0.0.1': 'down', '10.0.0.2': 'up'},
  undefined,
  {
    '10.0.0.2': 1,
  },
);
test(
  'a running table is adopted unchanged while no check has a result',
  row,
  {},
  {},
  {'10.0.0.1': 3, '10.0.0.2': 0},
  {
    '10.0.0.1': 3,
    '10.0.0.2': 0,
  },
);
test(
  'all down: the fallback serves',
  row,
  {},
  {'10.0.0.1': 'down', '10.0.0.2': 'down'},
  {'10.0.0.1': 3},
  {'127.0.0.1': 1},
);
test(
  'the first real server returns: the fallback is removed',
  row,
  {},
  {'10.0.0.1': 'up', '10.0.0.2': 'down'},
  {'127.0.0.1': 1},
  {
    '10.0.0.1': 3,
  },
);
test(
  'with quiescent the fallback that served keeps its connections',
  row,
  {quiescent: true},
  {'10.0.0.1': 'up', '10.0.0.2': 'up'},
  {'127.0.0.1': 1},
  {
    '10.0.0.1': 3,
    '10.0.0.2': 1,
    '127.0.0.1': 0,
  },
);
test(
  'a real server that is not configured is removed',
  row,
  {},
  {'10.0.0.1': 'up', '10.0.0.2': 'up'},
  {'10.0.0.9': 5},
  {
    '10.0.0.1': 3,
    '10.0.0.2': 1,
  },
);
test('checktype off leaves the service empty', row, {checkType: {kind: 'off'}}, {}, undefined, {});

test('readdquiescent adds a server that is down with weight 0', (t) => {
  const states = {'10.0.0.1': 'down', '10.0.0.2': 'up'} as const;
  t.deepEqual(weights(virtual({quiescent: true}), states, undefined, true), {'10.0.0.1': 0, '10.0.0.2': 1});
});

test('gate and ipip use the virtual service’s port, masq the real server’s', (t) => {
  const service = virtual();
  t.is(destinationOf(service, real('10.0.0.1', {port: 8080})).port, 80);
  t.is(destinationOf(service, real('10.0.0.1', {port: 8080, method: 'ipip'})).port, 80);
  t.is(destinationOf(service, real('10.0.0.1', {port: 8080, method: 'masq'})).port, 8080);
  t.is(destinationOf(service, real('10.0.0.1', {port: 0, method: 'masq'})).port, 80);
});

test('netmask and persistence are passed to the kernel', (t) => {
  const service = serviceOf(virtual({persistent: 100, netmask: '255.255.255.0'}));
  t.is(service.persistent, 100);
  t.is(service.netmask, 24);
  t.is(serviceOf(virtual()).netmask, 32);
});
