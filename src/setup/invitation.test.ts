/** The rules of a token: one use, ten minutes, few wrong attempts; and its spelling. */
import {randomBytes} from 'node:crypto';
import test from 'ava';
import {
  INVITATION_LASTS,
  isOpen,
  openInvitation,
  stepInvitation,
  WRONG_TRIES,
  type InvitationEvent,
  type InvitationState,
} from './invitation.ts';
import {readToken, tokenText} from './token.ts';

const request = {node: 'two', version: '0.2.0'};
const asked = {kind: 'asked', request} as const;

function play(events: readonly (readonly [at: number, event: InvitationEvent])[]) {
  let state: InvitationState = openInvitation(['two'], 0);
  const effects = events.flatMap(([at, event]) => {
    const [next, out] = stepInvitation('0.2.1', state, event, at);
    state = next;
    return out.map((effect) => (effect.kind === 'end' ? `end ${effect.ok ? 'well' : 'badly'}` : effect.kind));
  });
  return {state, effects};
}

for (const [what, events, expected] of [
  [
    'joins',
    [
      [1, asked],
      [2, {kind: 'outcome', outcome: {ok: true, text: ''}}],
    ],
    ['hand-out', 'end well'],
  ],
  [
    'a second one is refused, also while the first is busy',
    [
      [1, asked],
      [2, asked],
    ],
    ['hand-out', 'refuse'],
  ],
  [
    'a second use is refused',
    [
      [1, asked],
      [2, {kind: 'outcome', outcome: {ok: true, text: ''}}],
      [3, asked],
    ],
    ['hand-out', 'end well', 'refuse'],
  ],
  [
    'an interrupted transfer voids it',
    [
      [1, asked],
      [2, {kind: 'lost'}],
      [3, asked],
    ],
    ['hand-out', 'end badly', 'refuse'],
  ],
  [
    'files that are refused void it',
    [
      [1, asked],
      [2, {kind: 'outcome', outcome: {ok: false, text: ''}}],
    ],
    ['hand-out', 'end badly'],
  ],
  ['too late', [[INVITATION_LASTS, asked]], ['refuse', 'end badly']],
  ['nobody comes', [[INVITATION_LASTS, {kind: 'tick'}]], ['end badly']],
  [
    'a slow transfer that started in time succeeds',
    [
      [INVITATION_LASTS - 1, asked],
      [INVITATION_LASTS + 1, {kind: 'tick'}],
      [INVITATION_LASTS + 2, {kind: 'outcome', outcome: {ok: true, text: ''}}],
    ],
    ['hand-out', 'end well'],
  ],
  [
    'wrong tokens void it',
    Array.from({length: WRONG_TRIES}, (_, at) => [at, {kind: 'wrong-token'}]),
    ['end badly'],
  ],
  [
    'fewer do not',
    [...Array.from({length: WRONG_TRIES - 1}, (_, at) => [at, {kind: 'wrong-token'}]), [9, asked]],
    ['hand-out'],
  ],
  [
    'another machine gets the name that the pair expects',
    [
      [1, {kind: 'asked', request: {...request, node: 'three'}}],
      [2, asked],
    ],
    ['refuse', 'hand-out'],
  ],
  ['another release is refused', [[1, {kind: 'asked', request: {...request, version: '0.3.0'}}]], ['refuse']],
  ['an outcome without a transfer is ignored', [[1, {kind: 'outcome', outcome: {ok: true, text: ''}}]], []],
] as unknown as readonly (readonly [
  string,
  readonly (readonly [number, InvitationEvent])[],
  readonly string[],
])[])
  test(`an invitation: ${what}`, (t) => {
    t.deepEqual(play(events).effects, expected);
  });

test('it is open until it is used or too old', (t) => {
  t.true(isOpen(openInvitation(['two'], 5), 4 + INVITATION_LASTS));
  t.false(isOpen(openInvitation(['two'], 5), 5 + INVITATION_LASTS));
  t.false(isOpen(play([[1, asked]]).state, 2));
});

test('a token survives dictation and typing, and a typo is detected', (t) => {
  for (let count = 0; count < 200; count += 1) {
    const secret = new Uint8Array(randomBytes(14));
    const text = tokenText(secret);
    t.regex(text, /^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
    t.deepEqual(
      readToken(` ${text.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l').replaceAll('-', ' ')}`),
      secret,
    );
  }
  t.is(readToken(''), undefined);
  t.is(readToken('0000-0000-0000-0000-0000-0000'), undefined);
  const text = tokenText(new Uint8Array(14).fill(7));
  const slips = text
    .split('')
    .flatMap((letter, at) =>
      letter === '-' ? [] : [text.slice(0, at) + (letter === 'A' ? 'B' : 'A') + text.slice(at + 1)],
    );
  t.true(slips.filter((slip) => readToken(slip) !== undefined).length <= 1, 'one in 256 may pass');
});
