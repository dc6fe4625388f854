import test from 'ava';
import fc from 'fast-check';
import {connectionOf, entryOf} from './entries.fixture.ts';
import {asVersion1, entriesOf, HEADER, messageOf} from './entry.ts';
import {decodeSyncMessage, encodeSyncMessage} from './message.ts';
import {
  BUCKETS,
  createMirror,
  entryAt,
  expiryOf,
  find,
  remove,
  reseed,
  slotsOf,
  sweep,
  upsert,
  upsertMessage,
  type Mirror,
} from './mirror.ts';

const put = (mirror: Mirror, number: number, more = {}, now = 0) =>
  upsert(mirror, entryOf(connectionOf(number, more)), HEADER, now);

const same = (left: Mirror, right: Mirror): boolean =>
  Buffer.from(left.low.buffer).equals(Buffer.from(right.low.buffer)) &&
  Buffer.from(left.highHalf.buffer).equals(Buffer.from(right.highHalf.buffer)) &&
  Buffer.from(left.counts.buffer).equals(Buffer.from(right.counts.buffer));

test('an entry is returned as stored, with its options', (t) => {
  const mirror = createMirror(1);
  const adjustment = {initialSequence: 1, delta: 2, previousDelta: 3};
  for (const connection of [
    connectionOf(1),
    connectionOf(2, {family: 6}),
    connectionOf(3, {sequences: {inbound: adjustment, outbound: adjustment}, flags: 0x603}),
    connectionOf(4, {flags: 0x1001, protocol: 0, clientPort: 0, state: 0, fwmark: 9}),
    connectionOf(5, {peData: Buffer.from('call-id'), peName: 'sip', protocol: 17, flags: 0x1001}),
  ]) {
    t.is(upsert(mirror, entryOf(connection), HEADER, 0), 'new');
    const entry = entryAt(mirror, find(mirror, entryOf(connection), HEADER));
    const decoded = decodeSyncMessage(messageOf(7, [entry!]));
    t.deepEqual(decoded, {ok: true, value: {version: 1, syncid: 7, connections: [connection]}});
  }
  t.is(mirror.size, 5);
});

test('a template and a connection with the same addresses are two entries', (t) => {
  const mirror = createMirror(1);
  put(mirror, 1, {clientPort: 0});
  put(mirror, 1, {clientPort: 0, flags: 0x1103});
  t.is(mirror.size, 2);
});

test('a later message changes state and timeout, drops options that it lacks', (t) => {
  const mirror = createMirror(1);
  t.is(put(mirror, 1, {peData: Buffer.from('x')}, 10), 'new');
  t.is(put(mirror, 1, {}, 20), 'same');
  t.is(put(mirror, 1, {state: 4, timeout: 120}, 30), 'changed');
  t.is(expiryOf(mirror, 0), 150);
  t.is(entryAt(mirror, 0)?.length, 36);
});

test('an expired entry is removed and its slot reused', (t) => {
  const mirror = createMirror(1);
  put(mirror, 1, {timeout: 60}, 100);
  put(mirror, 2, {timeout: 61}, 100);
  t.is(sweep(mirror, 159), 0);
  t.is(sweep(mirror, 160), 1);
  t.is(entryAt(mirror, 0), undefined);
  put(mirror, 3, {}, 160);
  t.is(find(mirror, entryOf(connectionOf(3)), HEADER), 0);
  t.is(mirror.high, 2);
});

test('a message without timeouts (version 0) gets the default of its state', (t) => {
  const mirror = createMirror(1);
  put(mirror, 1, {timeout: 0, state: 1}, 0);
  put(mirror, 2, {timeout: 0, state: 0, protocol: 17}, 0);
  put(mirror, 3, {timeout: 0, state: 0, flags: 0x1001}, 0);
  t.deepEqual(
    [0, 1, 2].map((slot) => expiryOf(mirror, slot)),
    [900, 300, 180],
  );
});

test('a version-0 message is accepted', (t) => {
  const v0 = Buffer.from('0107001c0006c350005000500a63000a0a6300640a63000b01230001', 'hex');
  t.is(upsertMessage(createMirror(1), asVersion1(v0)!, 0), 1);
});

test('find, digests, buckets and size agree with a plain Map after any history', (t) => {
  const step = fc.tuple(fc.constantFrom('put', 'put', 'put', 'remove'), fc.nat(60), fc.nat(3));
  fc.assert(
    fc.property(fc.array(step, {maxLength: 200}), fc.nat(), (steps, seed) => {
      const mirror = createMirror(seed);
      const model = new Map<number, number>();
      for (const [what, number, state] of steps) {
        if (what === 'put') {
          put(mirror, number, {state});
          model.set(number, state);
          continue;
        }
        const slot = find(mirror, entryOf(connectionOf(number)), HEADER);
        t.is(slot >= 0, model.delete(number));
        if (slot >= 0) remove(mirror, slot);
      }
      const fresh = createMirror(seed);
      for (const [number, state] of model) put(fresh, number, {state});
      t.is(mirror.size, model.size);
      t.true(same(mirror, fresh));
    }),
    {numRuns: 50},
  );
});

test('100,000 entries in two orders give the same digests; one changed state affects its bucket only', (t) => {
  const [one, other] = [createMirror(5), createMirror(5)];
  for (let number = 0; number < 100_000; number += 1) {
    put(one, number);
    put(other, 99_999 - number);
  }
  t.true(same(one, other));
  t.is(one.size, 100_000);
  let listed = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const slots = slotsOf(one, bucket);
    t.is(slots.length, one.counts[bucket] ?? 0);
    listed += slots.length;
  }
  t.is(listed, 100_000);
  put(other, 777, {state: 4});
  const differing = [...one.low.keys()].filter((bucket) => one.low[bucket] !== other.low[bucket]);
  t.is(differing.length, 1);
  for (let number = 0; number < 100_000; number += 2)
    remove(one, find(one, entryOf(connectionOf(number)), HEADER));
  t.is(one.size, 50_000);
  for (let number = 0; number < 100_000; number += 1)
    if (find(one, entryOf(connectionOf(number)), HEADER) >= 0 !== (number % 2 === 1)) t.fail(String(number));
  sweep(one, 1e6);
  t.deepEqual([one.size, one.low.some(Boolean), one.counts.some(Boolean)], [0, false, false]);
});

test('a message with any cut or flipped octet is refused or read without an exception', (t) => {
  const message = encodeSyncMessage(3, [
    connectionOf(1, {peData: Buffer.from('abc')}),
    connectionOf(2, {family: 6}),
  ]);
  t.deepEqual(entriesOf(message), [8, 52]);
  for (let length = 0; length < message.length; length += 1) {
    t.is(entriesOf(message.subarray(0, length)), undefined);
    t.is(upsertMessage(createMirror(1), message.subarray(0, length), 0), -1);
  }
  for (let at = 0; at < message.length; at += 1) {
    const bent = Buffer.from(message);
    bent[at] = (bent[at] ?? 0) ^ 0xff;
    const mirror = createMirror(1);
    const count = upsertMessage(mirror, bent, 0);
    t.true(count === -1 || count === 2);
  }
});

test('rehashing gives the same table as filling it with that seed', (t) => {
  const [one, other] = [createMirror(1), createMirror(2)];
  for (let number = 0; number < 500; number += 1) put(one, number, number % 2 === 0 ? {} : {family: 6});
  for (let number = 0; number < 500; number += 3)
    remove(one, find(one, entryOf(connectionOf(number, number % 2 === 0 ? {} : {family: 6})), HEADER));
  for (let number = 0; number < 500; number += 1)
    if (number % 3 !== 0) put(other, number, number % 2 === 0 ? {} : {family: 6});
  t.false(same(one, other));
  reseed(one, 2);
  t.true(same(one, other));
  t.is(one.size, other.size);
  for (let number = 0; number < 500; number += 1) {
    const entry = entryOf(connectionOf(number, number % 2 === 0 ? {} : {family: 6}));
    t.is(find(one, entry, HEADER) >= 0, number % 3 !== 0);
  }
  t.is(put(one, 3), 'new');
});
