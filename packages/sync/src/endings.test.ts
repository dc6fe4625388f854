import test from 'ava';
import {dueEndings, forgetEndings, noEndings, noteSent} from './endings.ts';

const entry = (number: number): Buffer => Buffer.from([number]);
const always = (): boolean => true;

test('an ending is sent again after 3 s and after another 15 s, then forgotten', (t) => {
  const endings = noEndings();
  noteSent(endings, [entry(1), entry(2)], 0);
  t.deepEqual(dueEndings(endings, 2_999, always), []);
  t.deepEqual(dueEndings(endings, 3_000, always), [entry(1), entry(2)]);
  t.deepEqual(dueEndings(endings, 17_999, always), []);
  t.deepEqual(dueEndings(endings, 18_000, always), [entry(1), entry(2)]);
  t.deepEqual(dueEndings(endings, 1_000_000, always), []);
});

test('an ending that is no longer true is not sent again, not even later', (t) => {
  const endings = noEndings();
  noteSent(endings, [entry(1), entry(2)], 0);
  t.deepEqual(
    dueEndings(endings, 3_000, ([number]) => number === 2),
    [entry(2)],
  );
  t.deepEqual(dueEndings(endings, 18_000, always), [entry(2)]);
});

test('of very many the newest are kept, and a thousand are sent at a time', (t) => {
  const endings = noEndings();
  const many = Array.from({length: 25_000}, (_, number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(number);
    return bytes;
  });
  noteSent(endings, many, 0);
  const first = dueEndings(endings, 3_000, always);
  t.is(first.length, 1_000);
  t.is(first[0]?.readUInt32BE(), 5_000);
  t.is(dueEndings(endings, 3_100, always)[0]?.readUInt32BE(), 6_000);
});

test('a director that is no longer authoritative forgets them all', (t) => {
  const endings = noEndings();
  noteSent(endings, [entry(1)], 0);
  forgetEndings(endings);
  t.deepEqual(dueEndings(endings, 3_000, always), []);
});
