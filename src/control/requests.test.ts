/** Malformed requests: the error says what was expected, and nothing is executed. */
import test from 'ava';
import fc from 'fast-check';
import {answerWith, respond} from './respond.ts';
import {handlers} from './handlers.fixture.ts';
import {readCommand, readPeerCommand} from './requests.ts';
import type {CommandError} from './error.ts';

const code = (read: (value: unknown) => unknown, value: unknown): string => {
  try {
    read(value);
    return 'read';
  } catch (error) {
    return `${(error as CommandError).code}: ${(error as CommandError).message}`;
  }
};

for (const [request, expected] of [
  [
    {command: 'events', limit: 'many'},
    /^bad-request: events: "limit" is "many"; expected a whole number, or/,
  ],
  [{command: 'events', kinds: 'role'}, /^bad-request: events: "kinds" is "role"; expected a list/],
  [{command: 'events', kinds: [7]}, /^bad-request: events: "kinds" is a list; expected a list/],
  [{command: 'events', match: {}}, /^bad-request: events: "match" is an object/],
  [{command: 'events', wait: 1e9}, /"wait" is 1000000000; expected a whole number from 0 to 60000/],
  [
    {command: 'move', move: 'sideways', scope: 'all'},
    /"move" is "sideways"; expected one of standby, takeover/,
  ],
  [{command: 'move', move: 'standby'}, /"scope" is missing/],
  [{command: 'push', dryRun: 1, keys: false}, /"dryRun" is 1; expected true or false/],
  [{command: 'config-rollback', version: 1.5}, /"version" is 1.5; expected a whole number/],
  [{command: 'resource', action: 'start'}, /"name" is missing/],
  [{command: 'order', action: 'drain', reals: [], who: 'ann'}, /"reals" is a list; expected a list of 1 to/],
  [{command: 'order', action: 'drain', reals: ['x'], who: 7}, /"who" is 7/],
  [
    {command: 'order', action: 'drain', reals: ['x'], who: 'ann', reason: 'x'.repeat(501)},
    /"reason" is "x{38}…/,
  ],
  [{command: 'peer'}, /"ask" is missing; expected a command of the peer/],
  [{command: 'peer', ask: {command: 'stop'}}, /^not-for-peers/],
  [{command: 'peer', ask: {command: 'events', wait: 30_000}}, /"wait" is 30000; expected nothing/],
  [{command: 'stop'}, /^unknown-command: unknown command "stop"; expected one of status, reload/],
  [{command: '__proto__'}, /^unknown-command/],
  [{command: ['status']}, /^bad-request: "command" is a list/],
  [[], /^bad-request: a request is an object; this is a list/],
  [null, /^bad-request/],
] as const)
  test(`refused, with what was expected: ${JSON.stringify(request).slice(0, 70)}`, (t) => {
    t.regex(code(readCommand, request), expected);
  });

for (const [request, expected] of [
  [{command: 'push-prepare', id: 'x', dryRun: false, files: 'ha.cf'}, /"files" is "ha.cf"; expected a list/],
  [{command: 'push-prepare', id: 'x', dryRun: false, files: [{name: 'ha.cf', text: 'secret', mode: '644'}]}, /"files" is a list; expected a list of 1 to 200, each an object with name, text, mode/], // prettier-ignore
  [
    {command: 'push-prepare', id: 'x', dryRun: false, files: [{name: 'ha.cf', text: '', mode: -1}]},
    /"files"/,
  ],
  [{command: 'push-prepare', id: 7, dryRun: false, files: []}, /"id" is 7/],
  [{command: 'push-commit'}, /"id" is missing/],
  [
    {command: 'push-prepare', id: 'x/../../../etc/cron.d/y', dryRun: false, files: []},
    /"id" is "x\/.*expected letters and digits/,
  ],
  [{command: 'push-undo', id: '../1'}, /"id" is "..\/1"/],
  [{command: 'push-commit', id: 'a\u001b[2J'}, /"id" is "a\\u001b\[2J"/],
  [{command: 'orders', state: []}, /"state" is a list/],
  [{command: 'reload'}, /^not-for-peers: the peer may not ask for "reload"/],
] as const)
  test(`refused from the peer: ${JSON.stringify(request)}`, (t) => {
    const words = code(readPeerCommand, request);
    t.regex(words, expected);
    t.false(words.includes('secret'));
  });

test('unknown fields from a newer hactl are ignored', (t) => {
  const command = {command: 'events', limit: 3, colour: 'green', kinds: ['a-kind-of-tomorrow']};
  t.is(readCommand(command), command as never);
});

test('no request, whatever its types, causes an internal error', async (t) => {
  const names = [
    'status',
    'events',
    'peer',
    'push',
    'config-diff',
    'config-rollback',
    'move',
    'resource',
    'order',
    'x',
  ];
  const keys = [
    'limit',
    'since',
    'kinds',
    'ask',
    'reals',
    'who',
    'action',
    'name',
    'version',
    'move',
    'scope',
  ];
  // This test does not cover what handlers do with a valid request.
  const answer = answerWith(handlers({}));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.dictionary(fc.constantFrom(...keys), fc.jsonValue()),
      async (command, words) => {
        const response = await respond(JSON.stringify({v: 1, id: 1, command, ...words}), readCommand, answer);
        if (response.ok) throw new Error('no handler answers here');
        return ['bad-request', 'unknown-command', 'not-for-peers', 'not-here'].includes(response.error.code);
      },
    ),
  );
  for (const line of ['', '{', '7', 'null', '"x"', '[]', '{"v":2}', '{"v":1}', '{"v":1,"command":{}}']) {
    // oxlint-disable-next-line no-await-in-loop -- a handful.
    const response = await respond(line, readCommand, answer);
    t.true(!response.ok && ['syntax', 'version', 'bad-request'].includes(response.error.code), line);
  }
});
