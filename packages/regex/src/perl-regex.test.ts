/** What a check finds in an answer; the expressions themselves are tested in packages/base. */
import test from 'ava';
import {receiveMatches, receivePattern, textMatches} from './perl-regex.ts';

for (const [receive, answer, matches] of [
  ['OK$', 'all OK\n', true],
  ['OK\\z', 'all OK\n', false],
  ['OK$', 'all OK\n\n', false],
  ['^OK', 'not OK', false],
  ['(', '(', false],
  ['für', 'für', true],
] as const)
  test(`receive="${receive}" in ${JSON.stringify(answer)}: ${matches}`, (t) => {
    t.is(textMatches(receive, answer), matches);
    t.is(
      receiveMatches(receivePattern(receive), Buffer.from(answer).toString('latin1')),
      matches,
      'as octets',
    );
  });
