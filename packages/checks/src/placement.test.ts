/** The assignment of services to processes, and how scripts share their slots. */
import test from 'ava';
import fc from 'fast-check';
import type {CheckSpec} from './messages.ts';
import {dialogues, mayPing, placeVirtuals, shardCount, virtualOf} from './placement.ts';
import {serviceProbes} from './probes/services.ts';
import {checkOf} from './probes/testing.ts';
import {makeSlots} from './slots.ts';

const servers = (virtual: number, count: number): CheckSpec[] =>
  Array.from({length: count}, (_, at) =>
    checkOf('http', 1_000 + at, {
      id: `${virtual} ${at}`,
      virtualAddress: `10.0.0.${virtual}`,
      virtualPort: 80,
    }),
  );

test('two virtual services are in two processes, and stay there when others come and go', (t) => {
  const [one, two, three] = [servers(1, 5), servers(2, 20), servers(3, 2)];
  const first = placeVirtuals([...one, ...two], new Map(), 2);
  t.deepEqual(
    [...first.values()].toSorted((left, right) => left - right),
    [0, 1],
  );
  const second = placeVirtuals([...three, ...two, ...one], first, 2);
  for (const [virtual, shard] of first) t.is(second.get(virtual), shard, virtual);
  t.is(second.get('tcp 10.0.0.3 80'), first.get('tcp 10.0.0.1 80'), 'the new one goes to the smaller half');
  t.deepEqual([...placeVirtuals(two, second, 2).keys()], ['tcp 10.0.0.2 80']);
});

test('every virtual service is in exactly one process, and the load is about even', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({min: 1, max: 30}), {maxLength: 40}),
      fc.integer({min: 1, max: 4}),
      (sizes, shards) => {
        const specs = sizes.flatMap((size, virtual) => servers(virtual, size));
        const places = placeVirtuals(specs, new Map(), shards);
        t.deepEqual([...places.keys()].toSorted(), [...new Set(specs.map(virtualOf))].toSorted());
        const load = Array.from({length: shards}, () => 0);
        for (const spec of specs) load[places.get(virtualOf(spec)) ?? -1]! += 1;
        t.true(Math.max(...load) - Math.min(...load) <= 30);
      },
    ),
  );
});

test('the number of processes depends on services and processors', (t) => {
  t.deepEqual(
    [0, 1, 2, 199, 200, 5_000].map((virtuals) => shardCount(virtuals, 8)),
    [1, 1, 2, 2, 4, 4],
  );
  t.is(shardCount(5_000, 1), 2);
});

test('checks that could ping need a raw socket', (t) => {
  t.deepEqual([...dialogues].toSorted(), Object.keys(serviceProbes).toSorted());
  const may = (more: Partial<CheckSpec>): boolean => mayPing(checkOf('http', 80, more));
  t.true(may({checkType: {kind: 'ping'}}));
  t.true(may({checkType: {kind: 'connect'}, protocol: 'udp'}));
  t.true(may({service: 'tftp', protocol: 'udp'}));
  t.false(may({service: 'dns', protocol: 'udp'}));
  t.false(may({checkType: {kind: 'connect'}}));
  t.false(may({checkType: {kind: 'on'}, protocol: 'udp', service: 'tftp'}));
});

test('hanging scripts of one virtual service leave slots to the others', (t) => {
  const slots = makeSlots(32);
  slots.share(2);
  let taken = 0;
  while (slots.free('a')) {
    slots.acquire('a');
    taken += 1;
  }
  t.is(taken, 16);
  t.true(slots.free('b'));
  slots.release('a');
  t.true(slots.free('a'));
  slots.share(100);
  t.false(slots.free('a'), 'fifteen are its own already');
  t.true(slots.free('c'), 'everyone has a room');
});
