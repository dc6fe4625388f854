/** No expression blocks the checks process for long, and results equal JavaScript's own. */
import test from 'ava';
import fc from 'fast-check';
import {isCheap, matches, SlowMatch} from './match.ts';
import {mostSteps} from './match-cost.ts';

for (const [source, length, most] of [
  ['OK', 1_000, 1_001],
  ['^HTTP/1.[01*+] 200', 99, 100],
  ['\\(\\*\\+\\|', 99, 100],
  ['a{3}b', 9, 30],
  ['(?:ab){3}', 9, 60],
  ['(?:a{100}){100}b', 9, 100_000],
  ['(?:(?:ab){10}c){10}', 9, 2_100],
  ['x{2000}y{30}', 9, 20_000],
  ['a{0}b', 9, 10],
  ['OK.*x', 9, 100],
  ['a+b*c', 9, 1_000],
  ['a{2,}b', 9, 200],
  ['a{500,}b', 9, 50_000],
  ['a{1,3}', 9, 100],
  ['a?b|c', 9, 40],
  ['(?<name>a)(?=b)(?<!c)(?i:d)', 9, 10],
  [`${'(?='.repeat(160)}a${')'.repeat(160)}`, 9, 100],
  ['(a+)+$', 9, Infinity],
  ['(?:a|a)*b', 9, Infinity],
  ['(a?){30}a{30}', 9, Infinity],
  ['((a+)b)+', 9, Infinity],
  ['(a)\\1', 9, Infinity],
  ['(?<n>a)\\k<n>', 9, Infinity],
] as const)
  test(`/${source.slice(0, 60)}/ on ${length} characters: at most ${most} steps`, (t) => {
    t.is(mostSteps(new RegExp(source, 'u'), length), most);
  });

const evil = [
  [/(a+)+$/u, `${'a'.repeat(5_000)}b`],
  [/(?:a|aa)+$/u, `${'a'.repeat(60)}b`],
  [/^(?:[\w.]+@?)+$/u, `${'a'.repeat(5_000)} `],
  [/a{2000}b/u, 'a'.repeat(990_000)],
  [/(?:a{100}){100}b/u, 'a'.repeat(990_000)],
  [/(?:[ab]{50}){40}c/u, 'ab'.repeat(495_000)],
  [/a{1500,}b/u, 'a'.repeat(200_000)],
  [/.*OK/u, 'a'.repeat(1 << 20)],
  [/\s+$/u, `${' '.repeat(1 << 20)}x`],
  [/(a*)*\1b/u, 'a'.repeat(40)],
] as const;

for (const [pattern, text] of evil)
  test(`/${pattern.source}/ on ${text.length} characters is given up`, (t) => {
    // Without a limit each round takes minutes at least.
    for (let round = 0; round < 10; round += 1)
      t.throws(() => matches(pattern, text), {
        instanceOf: SlowMatch,
        message: /takes more than \d+ ms on an/,
      });
  });

test('on the largest page that is read, a plain expression needs no deadline, which a busy machine would miss', (t) => {
  const largest = 1 << 20;
  for (const pattern of [/It works/u, /^OK(?=\n?(?![^]))/u, /status="(?:green)"/u])
    t.true(isCheap(pattern, largest), pattern.source);
  for (const pattern of [/a+b/u, /^(a+)+$/u, /<p>.*<p>/u]) t.false(isCheap(pattern, largest), pattern.source);
});

test('an expression that was slow on one answer still matches another', (t) => {
  const pattern = /^(b+)+$/u;
  t.throws(() => matches(pattern, `${'b'.repeat(5_000)}c`), {instanceOf: SlowMatch});
  t.true(matches(pattern, 'bbb'));
  t.false(matches(pattern, 'c'));
});

const atom = fc.constantFrom('a', 'b', '.', '[ab]', '\\w', '(a|b)', '(?:ab)', '(?=a)', '^', '$');
const piece = fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '{1,3}')).map(([one, many]) =>
  // JavaScript cannot repeat an assertion.
  /^(?:\^|\$|\(\?=)/.test(one) ? one : one + many,
);

test('results are the same with and without a deadline', (t) => {
  fc.assert(
    fc.property(
      fc.array(piece, {minLength: 1, maxLength: 5}).map((all) => all.join('')),
      fc.string({unit: fc.constantFrom('a', 'b', '\n'), maxLength: 8}),
      fc.boolean(),
      (source, text, doubled) => {
        // A loop around a loop has no bound and uses the deadline.
        const pattern = new RegExp(doubled ? `(?:(?:${source})+)*` : source, 'u');
        return matches(pattern, text) === new RegExp(pattern).test(text);
      },
    ),
    {numRuns: 500},
  );
  t.pass();
});
