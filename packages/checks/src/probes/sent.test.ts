/** A server that echoes its input does not reveal a password. */
import net from 'node:net';
import type {AddressInfo} from 'node:net';
import test from 'ava';
import type {CheckSpec} from '../messages.ts';
import {withoutSent} from './sent.ts';

const spec = (words: Partial<CheckSpec>): CheckSpec => words as CheckSpec;

for (const [title, own, reason, shown] of [
  [
    'AUTH of redis',
    {request: 'AUTH hunter2x'},
    "answer \"-ERR unknown 'AUTH' with args: 'hunter2x'\"",
    "answer \"-ERR unknown 'AUTH' with args: '…'\"",
  ],
  ['a password', {passwd: 'p4ssword'}, '530 no p4ssword here', '530 no … here'],
  ['a password in base64', {passwd: 'p4ssword'}, 'bad cDRzc3dvcmQ=', 'bad …'],
  ['a password with a quote, as JSON', {passwd: 'p4"word'}, 'answer "p4\\"word"', 'answer "…"'],
  ['a password in capitals', {passwd: 'p4ssword'}, 'BAD P4SSWORD', 'BAD …'],
  ['a password in capitals, cut off', {passwd: 'a-long-password'}, 'answer "NO A-LONG-PA"', 'answer "NO …"'],
  ['a password in an address', {passwd: 'p4&word'}, 'no p4%26word', 'no …'],
  ['a password in a page', {passwd: 'p4<word'}, 'no p4&lt;word', 'no …'],
  ['a whole password in hex', {passwd: 'p4ssword'}, 'no 703473 70347373776F7264', 'no 703473 …'],
  ['a secret of RADIUS', {secret: 'tops3cret'}, 'tops3cret', '…'],
  [
    'what is sent',
    {sendExpect: {send: 'LOGIN me hunter2x\r\n', regex: false}},
    'got "LOGIN me hunter2x"',
    'got "LOGIN …"',
  ],
  [
    'the query of a path',
    {request: '/status?auth=hunter2x'},
    'not HTTP: "GET /status?auth=hunter2x"',
    'not HTTP: "GET /status?…"',
  ],
  ['a value of SQL', {request: "SELECT 1 WHERE k='hunter2x'"}, "near 'hunter2x'", "near '…'"],
  ['a secret cut off', {passwd: 'a-long-password'}, 'answer "no a-long-pa"', 'answer "no …"'],
  [
    'a short password in a plain sentence',
    {passwd: 'no'},
    'no answer within 3000 ms',
    'no answer within 3000 ms',
  ],
  [
    'a password in capitals behind a letter that changes its length',
    {passwd: 'p4ssword'},
    '\u0130 P4SSWORD',
    '\u0130 …',
  ],
  ['a beginning that repeats itself', {passwd: 'ababac'}, 'no abababac "ababa"', 'no ab… "…"'],
  ['two that overlap', {passwd: 'hunter2xyz', secret: 'xyz-secret'}, 'no hunter2xyz-secret', 'no …'],
  ['nothing sent', {}, 'connected in 5 ms', 'connected in 5 ms'],
  [
    'a path without a query',
    {request: '/index.html'},
    'answer 404 for /index.html',
    'answer 404 for /index.html',
  ],
] as const)
  test(`${title}: hidden`, (t) => {
    t.is(withoutSent(reason, spec(own)), shown);
  });

test('a secret at the end of what is searched is hidden as well', (t) => {
  const long = 'a-password-that-is-long';
  for (let shift = 0; shift < long.length; shift += 1) {
    const text = 'x'.repeat(shift) + `${long} `.repeat(200);
    t.notRegex(withoutSent(text, spec({passwd: long})), /a-pa/);
  }
});

test('a reason of 256 KiB costs no more than a short text', (t) => {
  const own = {
    request: `SELECT 1 FROM beat WHERE node = 'director' AND ${'seen > now() - 5 AND '.repeat(20)} role = 'active'`,
    passwd: 'correct-horse-battery-staple',
  };
  const reason = `login failed: the server wants ${'a"'.repeat(131_072)}`;
  const before = process.threadCpuUsage();
  for (let round = 0; round < 10; round += 1) withoutSent(reason, spec(own));
  const {user, system} = process.threadCpuUsage(before);
  // It took 2 s for each.
  t.true(user + system < 1_000_000, `${user + system} µs`);
});

test('a check against an echoing server shows no password', async (t) => {
  const {probe} = await import('./index.ts');
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => socket.write(`-ERR unknown: ${chunk.toString('latin1')}\r\n`));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.teardown(() => server.close());
  const {reason, passed} = await probe(
    spec({
      id: 'x', checkType: {kind: 'negotiate'}, service: 'simpletcp', family: 4, address: '127.0.0.1',
      port: (server.address() as AddressInfo).port, protocol: 'tcp', virtualAddress: '', virtualPort: 0, realPort: 0,
      checkTimeout: 1_000, negotiateTimeout: 1_000, checkInterval: 1_000, checkCount: 1, failureCount: 1,
      request: 'AUTH hunter2x', receive: 'fine',
    }), // prettier-ignore
    'negotiate',
    {now: () => performance.now(), wall: () => Date.now()},
    {} as never,
  );
  t.false(passed);
  t.regex(reason, /ERR unknown/);
  t.false(reason.includes('hunter2x'), reason);
});
