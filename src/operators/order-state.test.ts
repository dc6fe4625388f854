/** Orders on two directors: whatever was said where and heard when, both end with the same. */
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {parseLdirectordCf} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {openOrderBook} from './order-book.ts';
import {makeOrderMirror} from './order-mirror.ts';
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
  .map((said) =>
    said.reduce<OrderState>((state, {back, who, port, ...target}) => {
      const at = {...target, ...(port === undefined ? {} : {port})} as const;
      const one = back ? {orders: [], ended: [at]} : {orders: [{...at, who}], ended: []};
      return mergeOrders(state, one as OrderState);
    }, none),
  );

test('merged in any order, and again, it is the same', (t) => {
  fc.assert(
    fc.property(states, states, states, (one, two, three) => {
      const merged = mergeOrders(mergeOrders(one, two), three);
      t.deepEqual(mergeOrders(three, mergeOrders(two, one)), merged);
      t.deepEqual(mergeOrders(merged, two), merged);
    }),
  );
  t.pass();
});

test('what was taken back does not come in again from one who does not know; a later order does', (t) => {
  const given = withOrders(none, [order(5)], 5);
  const back = withOrders(given, [], 6);
  t.deepEqual(mergeOrders(back, given).orders, []);
  t.deepEqual(mergeOrders(given, back).ended, [{kind: 'drain', address: '10.0.0.1', when: 6}]);
  const anew = withOrders(back, [order(7)], 7);
  t.deepEqual(mergeOrders(anew, back).orders, [order(7)]);
  t.deepEqual(anew.ended, []);
});

test('of two weights the later counts, wherever it was given', (t) => {
  const weight = (when: number, to: number, port?: number): OrderState => ({
    orders: [order(when, {kind: 'weight', weight: to, ...(port === undefined ? {} : {port})})],
    ended: [],
  });
  t.deepEqual(
    mergeOrders(weight(9, 1), weight(8, 2, 80)).orders.map((one) => one.weight),
    [2, 1],
  );
  t.deepEqual(
    mergeOrders(weight(8, 2), weight(9, 1)).orders.map((one) => one.weight),
    [1],
  );
});

test('the time goes on although the clock here is behind', (t) => {
  t.is(nextTime({orders: [order(100)], ended: []}, 50), 101);
  t.is(nextTime(none, 50), 50);
});

for (const [what, value] of [
  ['no list', {orders: 1}],
  ['no object', null],
  ['an order without a time', {orders: [{kind: 'drain', address: '10.0.0.1', who: 'x'}]}],
  ['a weight that none can have', {orders: [order(1, {kind: 'weight', weight: -1})]}],
  ['a drain with a weight', {orders: [order(1, {weight: 1})]}],
  ['a time that no clock shows', {orders: [order(9e15)]}],
  ['a time that is no whole number', {orders: [order(1.5)]}],
  ['a time before all times', {orders: [], ended: [{kind: 'drain', address: '10.0.0.1', when: -1}]}],
  ['a reason longer than anybody reads', {orders: [order(1, {reason: 'x'.repeat(501)})]}],
  ['a kind that does not exist', {orders: [], ended: [{kind: 'x', address: '10.0.0.1', when: 1}]}],
] as const)
  test(`no orders: ${what}`, (t) => {
    t.is(readOrders(value), undefined);
  });

test('orders of a clock that is more than a day ahead are not taken: nothing could be later', (t) => {
  const latest = 5 + AHEAD_MOST;
  t.deepEqual(readOrders({orders: [order(latest)]}, latest)?.orders, [order(latest)]);
  t.is(readOrders({orders: [order(latest + 1)]}, latest), undefined);
});

test('a file with an order that cannot be: the others are kept', (t) => {
  t.deepEqual(readKeptOrders({version: 1, orders: [order(9e15), order(1)]}), {
    state: {orders: [order(1)], ended: []},
    refused: 1,
  });
  t.is(readKeptOrders({orders: 1}), undefined);
});

test('a file of before: without what was taken back', (t) => {
  t.deepEqual(readOrders({version: 1, orders: [order(1)]}), {orders: [order(1)], ended: []});
});

const {model} = parseLdirectordCf(
  {path: 'x.cf', text: 'virtual=10.0.0.100:80\n\treal=10.0.0.1:80 gate\n'},
  {mode: 'lenient', resolve: {host: () => undefined, service: () => undefined}},
);

function director(t: ExecutionContext) {
  const stateDir = mkdtempSync(path.join(os.tmpdir(), 'hactl-orders-'));
  t.teardown(() => rmSync(stateDir, {recursive: true, force: true}));
  const log: string[] = [];
  const book = openOrderBook({
    stateDir,
    log: (level, message) => log.push(`${level} ${message}`),
    wall: () => 5,
    changed: () => log.push('changed'),
  });
  book.configure([model]);
  return {book, log};
}

test('a drain reaches the peer at once, or when it can be asked again; taken back there, it is here too', async (t) => {
  const [here, there] = [director(t), director(t)];
  let [reachable, now] = [false, 0];
  const mirror = makeOrderMirror({
    clock: {now: () => now, wall: () => 5},
    log: (level, message) => here.log.push(`${level} ${message}`),
    ask: (command) => {
      if (!reachable) return Promise.reject(new Error('no answer'));
      there.book.take(structuredClone(command.state));
      return Promise.resolve(structuredClone(there.book.state));
    },
    peerLives: () => true,
    state: () => here.book.state,
    take: (theirs) => here.book.take(theirs),
  });
  const beside = {heldByFile: new Map<string, string>()};
  await here.book.order({action: 'drain', reals: ['10.0.0.1'], who: 'ann'}, beside);
  t.is(await mirror.exchange(), 'no answer');
  t.is(await mirror.exchange(), 'no answer');
  t.is(here.log.filter((line) => line.startsWith('warn')).length, 1, 'said once');
  reachable = true;
  mirror.look();
  t.is(there.book.weights.size, 0, 'not asked without a pause');
  now = 10_000;
  mirror.look();
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual([...there.book.weights.values()], [0]);
  t.true(there.log.includes('changed'));

  await there.book.order({action: 'undrain', reals: ['10.0.0.1'], who: 'bob'}, beside);
  t.is(await mirror.exchange(), undefined);
  t.is(here.book.weights.size, 0);
  t.true(here.log.some((line) => line.endsWith('0 taken over, 1 taken back')));
  here.log.length = 0;
  t.is(await mirror.exchange(), undefined);
  t.deepEqual(here.log, [], 'nothing new, nothing said');
  t.throws(() => here.book.take({orders: 7}), {message: /no list of orders/});
});
