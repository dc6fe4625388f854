import test from 'ava';
import fc from 'fast-check';
import {diffText} from './config-diff.ts';

test('changed, added and removed lines with their context', (t) => {
  const from = Array.from({length: 20}, (_, at) => `line ${at + 1}`);
  const to = from.with(1, 'line two').toSpliced(15, 1).concat('the end');
  t.deepEqual(diffText('ha.cf', from.join('\n') + '\n', to.join('\n') + '\n'), [
    '--- ha.cf',
    '+++ ha.cf',
    '@@ line 1, now 1 @@',
    ' line 1',
    '-line 2',
    '+line two',
    ' line 3',
    ' line 4',
    ' line 5',
    '@@ line 13, now 13 @@',
    ' line 13',
    ' line 14',
    ' line 15',
    '-line 16',
    ' line 17',
    ' line 18',
    ' line 19',
    ' line 20',
    '+the end',
  ]);
});

test('a changed secret is reported as changed without its value', (t) => {
  t.deepEqual(diffText('authkeys', 'auth 1\n1 sha256 one\n', 'auth 1\n1 sha256 two\n').slice(3), [
    ' auth 1',
    '-1 sha256 (secret)',
    '+1 sha256 (secret)',
  ]);
});

test('a file that is added or removed', (t) => {
  t.deepEqual(diffText('a', undefined, 'x\n'), ['--- (none)', '+++ a', '@@ line 1, now 1 @@', '+x']);
  t.deepEqual(diffText('a', 'x\n', undefined), ['--- a', '+++ (none)', '@@ line 1, now 1 @@', '-x']);
});

test('the lines of the diff reproduce both texts', (t) => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), {maxLength: 7});
  fc.assert(
    fc.property(text, text, (from, to) => {
      const lines = diffText('x', from.join('\n'), to.join('\n')).slice(2);
      const side = (sign: string) =>
        lines.filter((line) => line.startsWith(sign)).map((line) => line.slice(1));
      const [gone, come] = [side('-'), side('+')];
      const count = (all: readonly string[], text: string) => all.filter((line) => line === text).length;
      return ['a', 'b', 'c'].every(
        (text) => count(from, text) - count(gone, text) === count(to, text) - count(come, text),
      );
    }),
  );
  t.pass();
});
