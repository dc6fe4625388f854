import test from 'ava';
import {beginWalk, endWalk, makeAudit, seeEntry, type Audit} from './audit.ts';
import {connectionOf, entryOf} from './entries.fixture.ts';
import {HEADER} from './entry.ts';
import {createMirror, find, remove, upsert, type Mirror} from './mirror.ts';

const entry = (number: number): Buffer => entryOf(connectionOf(number)).subarray(HEADER);
const holding = (count: number): Mirror => {
  const mirror = createMirror(1);
  for (let number = 0; number < count; number += 1) upsert(mirror, entry(number), 0, 1);
  return mirror;
};
/** One walk in which the kernel lists these; returns the connections found lost, as client ports. */
function walk(audit: Audit, mirror: Mirror, shown: readonly number[], during?: () => void): number[] {
  beginWalk(audit, mirror);
  for (const number of shown) seeEntry(audit, mirror, entry(number));
  during?.();
  return endWalk(audit, mirror, 1).map((buffer) => buffer.readUInt16BE(10) - 1_024);
}

test('a connection in the kernel but not in the mirror is reported at once', (t) => {
  const [audit, mirror] = [makeAudit(), holding(2)];
  beginWalk(audit, mirror);
  t.false(seeEntry(audit, mirror, entry(1)));
  t.true(seeEntry(audit, mirror, entry(2)));
});

test('a connection missing in two walks is lost; one that moved during the first is not', (t) => {
  const [audit, mirror] = [makeAudit(), holding(5)];
  t.deepEqual(walk(audit, mirror, [0, 1, 2]), []);
  t.deepEqual(walk(audit, mirror, [0, 1, 3]), [4]);
  t.is(audit.lost, 1);
  t.is(audit.walks, 2);
  // The third has been missed twice, but not consecutively, so it is not lost.
  t.deepEqual(walk(audit, mirror, [0, 1, 2, 3, 4]), []);
});

test('a new connection in a reused slot is not suspected', (t) => {
  const [audit, mirror] = [makeAudit(), holding(2)];
  t.deepEqual(walk(audit, mirror, [0]), []);
  remove(mirror, find(mirror, entry(1), 0));
  upsert(mirror, entry(7), 0, 1);
  t.deepEqual(walk(audit, mirror, [0]), []);
  t.deepEqual(walk(audit, mirror, [0]), [7]);
});

test('connections added during the walk, or about to expire, are not reported lost', (t) => {
  const [audit, mirror] = [makeAudit(), holding(1)];
  const come = () => upsert(mirror, entry(1), 0, 1);
  t.deepEqual(walk(audit, mirror, [0], come), []);
  t.deepEqual(walk(audit, mirror, [0, 1]), []);
  upsert(mirror, entry(2), 0, 1, 3);
  t.deepEqual(walk(audit, mirror, [0, 1]), []);
  t.deepEqual(walk(audit, mirror, [0, 1]), []);
});
