import test from 'ava';
import {stateText, type ConsoleState} from './state-text.ts';

const state = (change: Partial<ConsoleState>): string =>
  stateText({
    endpoint: 'https://lb1:3636/',
    listening: true,
    fingerprint: 'AB:CD',
    users: [{name: 'ann', role: 'admin'}],
    access: 'change',
    ...change,
  });

test('the state of the console: its address, fingerprint, users and rights', (t) => {
  t.is(
    state({}),
    [
      'console      https://lb1:3636/',
      'certificate  SHA-256 AB:CD',
      'users        ann (admin)',
      'director     may change the pair',
      '',
    ].join('\n'),
  );
});

for (const [change, next] of [
  [{listening: false}, /^next {9}systemctl enable --now hactl-console$/m],
  [{users: []}, /^next {9}hactl console link/m],
  [{access: 'none'}, /^next {9}hactl doctor$/m],
] as const)
  test(`the next command to type where ${JSON.stringify(change)}`, (t) => {
    t.regex(state(change), next);
  });
