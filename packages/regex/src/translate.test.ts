/** Perl's regular expressions: each row was verified with Perl 5.36. */
import test from 'ava';
import {translatePerlRegex} from './index.ts';

const rows: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ['OK$', 'all OK\n', true],
  ['OK$', 'OK\n\n', false],
  ['OK\\z', 'OK\n', false],
  ['OK\\Z', 'OK\n', true],
  ['(?m)\\AOK', 'x\nOK', false],
  ['(?m)^OK', 'x\nOK', true],
  ['(?m)OK\\z', 'OK\nx', false],
  ['(?m)OK$', 'OK\nx', true],
  ['^OK', 'x\nOK', false],
  ['a.b', 'a\rb', true],
  ['a.b', 'a\nb', false],
  ['(?s)a.b', 'a\nb', true],
  ['a(?i)b', 'aB', true],
  ['a(?i)b', 'AB', false],
  ['a(?i)b|c', 'C', true],
  ['x(a(?i)b)c', 'xaBc', true],
  ['x(a(?i)b)c', 'xaBC', false],
  ['(?i:ok) now', 'OK now', true],
  ['(?i:ok) now', 'OK NOW', false],
  ['(?i)ok(?-i)Now', 'OKNow', true],
  ['(?i)ok(?-i)Now', 'OKnow', false],
  ['[[:^digit:]]', '5', false],
  ['[[:^digit:]]', 'x', true],
  ['^[[:^alpha:]]+$', '12 3', true],
  ['^[[:^alpha:]]+$', '12a3', false],
  ['[^[:space:]]', '  ', false],
  ['^[[:alnum:]_-]+$', 'ab-9_', true],
  ['[]a]', '] ', true],
  ['[^]a]', ']', false],
  ['[a\\]b]', ']', true],
  ['[-a]', '-', true],
  ['[a-]', '-', true],
  ['[a-c]', 'b', true],
  ['[\\w-]', '-', true],
  ['a{2}', 'aa', true],
  ['a{2}', 'a', false],
  ['a{', 'a{', true],
  ['a{,2}b', 'aab', true],
  ['x{a}', 'x{a}', true],
  ['}', '}', true],
  [']', ']', true],
  ['a{1,2}?', 'a', true],
  ['\\x41', 'A', true],
  ['\\x{41}', 'A', true],
  ['\\101', 'A', true],
  ['\\x4', '\u0004', true],
  ['\\0', '\u0000', true],
  ['(a)\\1', 'aa', true],
  ['(a)\\g1', 'aa', true],
  ['(a)\\g{1}b', 'aab', true],
  ['(?<n>a)\\k<n>', 'aa', true],
  ['(?P<n>a)(?P=n)', 'aa', true],
  ["(?'n'a)\\k{n}", 'aa', true],
  ['(?x) a b # c', 'ab', true],
  ['(?#c)a', 'a', true],
  ['a\\Rb', 'a\r\nb', true],
  ['\\N+', '\n', false],
  ['\\h', '\t', true],
  ['\\v', '\u000b', true],
  ['\\/x', '/x', true],
  ['a/b', 'a/b', true],
  ['\\@', '@', true],
  ['\\-', '-', true],
  ['\\"', '"', true],
  ['a-b', 'a-b', true],
  ['\\<title\\>', '<title>', true],
  ['\\%', '%', true],
  ['foo|bar', 'xbar', true],
  ['(?=a)a', 'a', true],
  ['(?<!b)a', 'ba', false],
  ['\\bok\\b', 'is ok.', true],
  ['^$', '\n', true],
  ['^$', '', true],
  ['a*?b', 'aab', true],
  ['\\e', '\u001b', true],
  ['\\cA', '\u0001', true],
  ['[\\b]', '\b', true],
  ['[\\h]', '\t', true],
  ['[\\d.]+', '1.2', true],
  ['\\d{3}', '200', true],
  ['\\.html?', 'x.htm', true],
  ['[a[:digit:]b-]', '-', true],
  ['\\p{Lu}', 'a', false],
  ['\\pL', 'a', true],
  ['(?^i:a)', 'A', true],
  ['(?i)(?^:a)', 'A', false],
  ['[\\x30-\\x39]', '5', true],
  ['é', 'café', true],
  ['\\_', '_', true],
  ['\\ a', ' a', true],
  ['[$]', '$', true],
  ['a$b', 'a$b', false],
  ['a+?', 'aa', true],
  ['(a|b)*c', 'abac', true],
  ['()', 'x', true],
  ['(|a)b', 'b', true],
  ['a||b', 'z', true],
  ['[#-%]', '$', true],
  ['[[:punct:]]', '+', true],
  ['[[:word:]]', '_', true],
  ['[[:cntrl:]]', 'a', false],
  ['[[:upper:]]', 'a', false],
  ['(?i)[[:upper:]]', 'a', true],
  ['[.]', 'x', false],
  ['\\d+\\s\\w', '2 x', true],
  ['[a-z0-9._%+-]+@', 'me@', true],
  ['a{0}b', 'b', true],
  ['a{ 1, 2 }b', 'aab', true],
];

test(`${rows.length} expressions match what they match in Perl`, (t) => {
  for (const [pattern, text, matches] of rows) {
    const translated = translatePerlRegex(pattern);
    t.is(translated.ok && translated.value.test(text), matches, JSON.stringify([pattern, text]));
    t.true(translated.ok, pattern);
  }
});

for (const pattern of [
  'a++',
  '(?>a)b',
  '(?|a|b)',
  '(?1)',
  '(?R)',
  '(?{1})',
  '(*FAIL)',
  '\\Kx',
  '\\Gx',
  '\\X',
  '\\Qa.b\\E',
  '\\Uok',
  '(?n)(a)',
  '(',
  ')',
  '[a',
  'a\\',
  '*a',
  'a**',
  '(a)\\2',
  '[[:nosuch:]]',
  '[\\H]',
  '\\p{NoSuch}',
  '[z-a]',
  'a{2,1}',
  '(?<=a+)b\\C',
])
  // prettier-ignore
  test(`${pattern} is refused with a reason`, (t) => {
    const translated = translatePerlRegex(pattern);
    t.false(translated.ok);
    t.regex(translated.ok ? '' : translated.fault, /\w+ \S+/);
  });

const alternatives = (count: number): string =>
  `(?:${Array.from({length: count}, (_, at) => `\\w?${String.fromCharCode(97 + at)}`).join('|')})`;

for (const [title, pattern] of [
  ['ten alternatives of two lengths, eight times', alternatives(10).repeat(8)],
  ['the same with a plus', `(?:${alternatives(10).repeat(3)})+`],
  ['three times, which are written out', `(?:${alternatives(10).repeat(2)}){3}`],
  ['up to three times', `(?:${alternatives(10).repeat(2)}){0,3}`],
  ['at least two', `(?:${alternatives(10).repeat(2)}){2,}`],
  ['eight properties', '(?i)' + '\\P{L}'.repeat(8)],
  ['eight properties in classes', '[^\\p{L}]'.repeat(8)],
  ['a property, copied', '(?:\\p{L}x?){3}\\p{L}{3}'],
  [
    '120 characters beyond the BMP, four times',
    `[${Array.from({length: 120}, (_, at) => `\\x{${(0x1_00_00 + at * 0x4_01).toString(16)}}`).join('')}]`
      .repeat(4)
      .slice(0, 1_990),
  ],
  [
    'characters beyond the BMP as such',
    `[${Array.from({length: 70}, (_, at) => String.fromCodePoint(0x1_00_00 + at * 0x4_01)).join('')}]`,
  ],
  ['two thousand characters and one', 'b'.repeat(2_001)],
] as const)
  // prettier-ignore
  test(`${title}: refused, since the compiler would take seconds`, (t) => {
    const translated = translatePerlRegex(pattern);
    t.regex(translated.ok ? '' : translated.fault, /than (?:64 choices|2000 characters)|unmatched/);
  });

test('what checks use is not refused, and compiles at once', (t) => {
  const since = process.threadCpuUsage();
  for (const pattern of [
    '^(?:OK|UP|READY|GREEN|alive|running)$',
    '"status"\\s*:\\s*"(?:ok|pass|up)"',
    '(?i)<title>.*(?:welcome|home|login).*</title>',
    '^HTTP/1\\.[01] (?:200|301|302)\\b',
    '^\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}$',
    '[äöüß€]+',
    '\\p{L}+ ok',
    Array.from({length: 60}, (_, at) => `node${at}`).join('|'),
    'b'.repeat(2_000),
    '(?i)' + '\\P{L}'.repeat(5),
    alternatives(4).repeat(8),
  ]) {
    const translated = translatePerlRegex(pattern);
    t.true(translated.ok, pattern);
    for (const text of ['', '\u0100'])
      t.notThrows(() => translated.ok && translated.value.test(text), pattern);
  }
  const {user, system} = process.threadCpuUsage(since);
  t.true(user + system < 2_000_000, `${user + system} µs`);
});
