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
/** One walk in which the kernel shows these; what it found lost, as client ports. */
function walk(audit: Audit, mirror: Mirror, shown: readonly number[], during?: () => void): number[] {
  beginWalk(audit, mirror);
  for (const number of shown) seeEntry(audit, mirror, entry(number));
  during?.();
  return endWalk(audit, mirror, 1).map((buffer) => buffer.readUInt16BE(10) - 1_024);
}

test('what the kernel has and the mirror lacks is said at once', (t) => {
  const [audit, mirror] = [makeAudit(), holding(2)];
  beginWalk(audit, mirror);
  t.false(seeEntry(audit, mirror, entry(1)));
  t.true(seeEntry(audit, mirror, entry(2)));
});

test('what two walks did not show is lost; one that moved under the first is not', (t) => {
  const [audit, mirror] = [makeAudit(), holding(5)];
  t.deepEqual(walk(audit, mirror, [0, 1, 2]), []);
  t.deepEqual(walk(audit, mirror, [0, 1, 3]), [4]);
  t.is(audit.lost, 1);
  t.is(audit.walks, 2);
  // Only now has the third been missed twice: not in a row, so it is not lost.
  t.deepEqual(walk(audit, mirror, [0, 1, 2, 3, 4]), []);
});

test('a newcomer in the place of another is no suspect for its sake', (t) => {
  const [audit, mirror] = [makeAudit(), holding(2)];
  t.deepEqual(walk(audit, mirror, [0]), []);
  remove(mirror, find(mirror, entry(1), 0));
  upsert(mirror, entry(7), 0, 1);
  t.deepEqual(walk(audit, mirror, [0]), []);
  t.deepEqual(walk(audit, mirror, [0]), [7]);
});

test('what came during the walk was not to be seen, and what is about to end has perhaps ended', (t) => {
  const [audit, mirror] = [makeAudit(), holding(1)];
  const come = () => upsert(mirror, entry(1), 0, 1);
  t.deepEqual(walk(audit, mirror, [0], come), []);
  t.deepEqual(walk(audit, mirror, [0, 1]), []);
  upsert(mirror, entry(2), 0, 1, 3);
  t.deepEqual(walk(audit, mirror, [0, 1]), []);
  t.deepEqual(walk(audit, mirror, [0, 1]), []);
});
