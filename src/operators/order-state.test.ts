/** Overrides on two directors: both end with the same set, whatever was ordered where and in any order of arrival. */
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {parseLdirectordCf} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {runOperators} from './run.fixture.ts';
import {type OrderState} from '../control/orders.ts';
import {
  AHEAD_MOST,
  mergeOrders,
  nextTime,
  noOrders as none,
  readKeptOrders,
  readOrders,
  withOrders,
} from './order-state.ts';
import type {Order} from '../control/orders.ts';

const order = (when: number, more: Partial<Order> = {}): Order => ({
  kind: 'drain',
  address: '10.0.0.1',
  who: 'ann',
  when,
  ...more,
});

const states = fc
  .array(
    fc.record({
      kind: fc.constantFrom('drain', 'maintenance'),
      address: fc.constantFrom('10.0.0.1', '10.0.0.2'),
      port: fc.constantFrom(undefined, 80),
      when: fc.integer({min: 1, max: 6}),
      who: fc.constantFrom('ann', 'bob'),
      back: fc.boolean(),
    }),
    {maxLength: 6},
  )
  .map((messages) =>
    messages.reduce<OrderState>((state, {back, who, port, ...target}) => {
      const at = {...target, ...(port === undefined ? {} : {port})} as const;
      const change = back ? {orders: [], ended: [at]} : {orders: [{...at, who}], ended: []};
      return mergeOrders(state, change as OrderState);
    }, none),
  );

test('merging is commutative and idempotent', (t) => {
  fc.assert(
    fc.property(states, states, states, (orders, two, three) => {
      const merged = mergeOrders(mergeOrders(orders, two), three);
      t.deepEqual(mergeOrders(three, mergeOrders(two, orders)), merged);
      t.deepEqual(mergeOrders(merged, two), merged);
    }),
  );
  t.pass();
});

test('a revoked override does not return from a director that missed the revocation; a later one does', (t) => {
  const given = withOrders(none, [order(5)], 5);
  const back = withOrders(given, [], 6);
  t.deepEqual(mergeOrders(back, given).orders, []);
  t.deepEqual(mergeOrders(given, back).ended, [{kind: 'drain', address: '10.0.0.1', when: 6}]);
  const anew = withOrders(back, [order(7)], 7);
  t.deepEqual(mergeOrders(anew, back).orders, [order(7)]);
  t.deepEqual(anew.ended, []);
});

test('of two weights the later wins, on whichever director it was set', (t) => {
  const weight = (when: number, to: number, port?: number): OrderState => ({
    orders: [order(when, {kind: 'weight', weight: to, ...(port === undefined ? {} : {port})})],
    ended: [],
  });
  t.deepEqual(
    mergeOrders(weight(9, 1), weight(8, 2, 80)).orders.map((order) => order.weight),
    [2, 1],
  );
  t.deepEqual(
    mergeOrders(weight(8, 2), weight(9, 1)).orders.map((order) => order.weight),
    [1],
  );
});

test('override times increase even if the local clock is behind', (t) => {
  t.is(nextTime({orders: [order(100)], ended: []}, 50), 101);
  t.is(nextTime(none, 50), 50);
});

for (const [what, value] of [
  ['no list', {orders: 1}],
  ['no object', null],
  ['an override without a time', {orders: [{kind: 'drain', address: '10.0.0.1', who: 'x'}]}],
  ['a weight out of range', {orders: [order(1, {kind: 'weight', weight: -1})]}],
  ['a drain with a weight', {orders: [order(1, {weight: 1})]}],
  ['a time beyond any clock', {orders: [order(9e15)]}],
  ['a fractional time', {orders: [order(1.5)]}],
  ['a negative time', {orders: [], ended: [{kind: 'drain', address: '10.0.0.1', when: -1}]}],
  ['a reason that is too long', {orders: [order(1, {reason: 'x'.repeat(501)})]}],
  ['a kind that does not exist', {orders: [], ended: [{kind: 'x', address: '10.0.0.1', when: 1}]}],
] as const)
  test(`rejected as overrides: ${what}`, (t) => {
    t.is(readOrders(value), undefined);
  });

test('overrides from a clock more than a day ahead are refused: no later one could replace them', (t) => {
  const latest = 5 + AHEAD_MOST;
  t.deepEqual(readOrders({orders: [order(latest)]}, latest)?.orders, [order(latest)]);
  t.is(readOrders({orders: [order(latest + 1)]}, latest), undefined);
});

test('a file with one invalid override: the others are kept', (t) => {
  t.deepEqual(readKeptOrders({version: 1, orders: [order(9e15), order(1)]}), {
    state: {orders: [order(1)], ended: []},
    refused: 1,
  });
  t.is(readKeptOrders({orders: 1}), undefined);
});

test('a file of an earlier version, without revocations', (t) => {
  t.deepEqual(readOrders({version: 1, orders: [order(1)]}), {orders: [order(1)], ended: []});
});

const {model} = parseLdirectordCf(
  {path: 'x.cf', text: 'virtual=10.0.0.100:80\n\treal=10.0.0.1:80 gate\n'},
  {mode: 'lenient', resolve: {host: () => undefined, service: () => undefined}},
);

const stateDir = (t: ExecutionContext): string => {
  const made = mkdtempSync(path.join(os.tmpdir(), 'hactl-orders-'));
  t.teardown(() => rmSync(made, {recursive: true, force: true}));
  return made;
};

test('a drain reaches the peer at once or when it is reachable again; revoked there, it ends here too', (t) => {
  const remote = runOperators({stateDir: stateDir(t), files: [model]});
  let reachable = false;
  const local = runOperators({
    stateDir: stateDir(t),
    files: [model],
    peer: 'two',
    exchange: (orders) => {
      if (!reachable) throw new Error('no answer');
      return structuredClone(remote.takes(structuredClone(orders)));
    },
  });
  local.feed({type: 'peer-lives', lives: true});
  const given = local.order({action: 'drain', reals: ['10.0.0.1'], who: 'ann'});
  t.deepEqual(given.notes, [
    'two does not have the override yet; it will get it when it is reachable: no answer',
  ]);
  local.pass(10_000);
  t.is(local.facts.filter(({type}) => type === 'exchange-problem').length, 1, 'reported once');
  reachable = true;
  local.pass(9_999);
  t.is(remote.state.weights.size, 0, 'no retry without a pause');
  local.pass(1);
  t.deepEqual([...remote.state.weights.values()], [0]);
  t.true(remote.facts.some(({type}) => type === 'overrides-changed'));

  remote.order({action: 'undrain', reals: ['10.0.0.1'], who: 'bob'});
  local.feed({type: 'peer-lives', lives: false});
  local.feed({type: 'peer-lives', lives: true});
  local.pass(10_000);
  t.is(local.state.weights.size, 0);
  t.deepEqual(
    local.facts.filter(({type}) => type === 'orders-merged'),
    [{type: 'orders-merged', added: 0, ended: 1}],
  );
  local.facts.length = 0;
  local.feed({type: 'peer-lives', lives: false});
  local.feed({type: 'peer-lives', lives: true});
  local.pass(10_000);
  t.deepEqual(local.facts, [], 'nothing new, nothing reported');
});

test('two operators at once: each learns whether the peer has their override', (t) => {
  const sent: OrderState[] = [];
  const operators = runOperators({
    stateDir: stateDir(t),
    files: [model],
    peer: 'two',
    exchange: (orders) => {
      sent.push(orders);
      if (sent.length === 1)
        operators.feed({type: 'order', request: second, addresses: new Map(), reply: 99});
      return orders;
    },
  });
  const second = {action: 'maintenance-on', reals: ['10.0.0.1'], who: 'bob'} as const;
  const first = operators.order({action: 'drain', reals: ['10.0.0.1'], who: 'ann'});
  t.deepEqual(first.notes, ['two has the override too']);
  t.deepEqual(
    sent.map(({orders}) => orders.length),
    [1, 2],
  );
});
