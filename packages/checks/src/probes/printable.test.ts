/** Server output in a reason cannot control the terminal, mail or log that shows it. */
import {systemClock} from '@hactl/base';
import test from 'ava';
import {probe} from './index.ts';
import {printable} from './printable.ts';
import {datagramServer} from './real-server.ts';
import {checkOf, serve} from './testing.ts';

const pinger = {ping: () => () => undefined, close: () => undefined};
/** ESC, BEL, DEL, all of C1 as octets and as UTF-8, direction marks, line separators of Unicode. */
const evil = Buffer.concat([
  Buffer.from('\x1b[2J\x07\x7f\r\n\u202e\u2028\u200b\u009b31m', 'utf8'),
  Buffer.from(Array.from({length: 32}, (_, at) => 0x80 + at)),
]);
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for.
const commands = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/u;

const greetings: Readonly<Record<string, Buffer>> = {
  http: Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), evil]),
  http_proxy: Buffer.concat([Buffer.from('HTTP/1.1 2'), evil]),
  smtp: Buffer.concat([Buffer.from('554 '), evil, Buffer.from('\r\n')]),
  ftp: Buffer.concat([Buffer.from('554 '), evil, Buffer.from('\r\n')]),
  imap: Buffer.concat([Buffer.from('* BYE '), evil, Buffer.from('\r\n')]),
  pop: Buffer.concat([Buffer.from('-ERR '), evil, Buffer.from('\r\n')]),
  nntp: Buffer.concat([Buffer.from('502 '), evil, Buffer.from('\r\n')]),
  simpletcp: evil,
  'send-expect': evil,
  mysql: Buffer.concat([Buffer.of(evil.length + 3, 0, 0, 0, 0xff, 0x10, 0x04), evil]),
  pgsql: Buffer.concat([
    Buffer.from('EE'),
    Buffer.of(0, 0, 0, 4 + 1 + evil.length + 1, 0x4d),
    evil,
    Buffer.of(0),
  ]),
  ldap: Buffer.concat([
    Buffer.of(0x30, evil.length + 12, 2, 1, 1, 0x61, evil.length + 7, 0x0a, 1, 49, 4, 0, 4, evil.length),
    evil,
  ]),
  sip: Buffer.concat([Buffer.from('SIP/1.0 '), evil, Buffer.from('\r\n\r\n')]),
  dns: Buffer.concat([Buffer.of(0, evil.length), evil]),
};

for (const [service, greeting] of Object.entries(greetings))
  test(`${service}: a reason has no control characters`, async (t) => {
    const port = await serve(t, (socket) => socket.end(greeting));
    const spec = checkOf(service, port, {
      receive: 'OK',
      login: 'me',
      request: service === 'dns' ? 'real.test' : 'SELECT 1',
      sendExpect: {expect: 'OK', regex: false},
    });
    const {passed, reason} = await probe(spec, 'negotiate', systemClock, pinger);
    t.false(passed);
    t.true(reason.length > 5 && reason.length <= 300, reason);
    t.notRegex(reason, commands, JSON.stringify(reason));
  });

test('udp: a reason has no control characters', async (t) => {
  const server = await datagramServer(() => evil);
  t.teardown(server.stop);
  const spec = checkOf('simpletcp', server.port, {protocol: 'udp', receive: 'OK', negotiateTimeout: 300});
  const {passed, reason} = await probe(spec, 'negotiate', systemClock, pinger);
  t.false(passed);
  t.notRegex(reason, commands, JSON.stringify(reason));
});

test('a reason is cut at 300 characters, and ordinary text stays', (t) => {
  t.is(printable('für alle: 200 – ok'), 'für alle: 200 – ok');
  t.is(printable('a\x1b[2Jb\u0085c'), 'a?[2Jb?c');
  t.is(printable(`${'x'.repeat(299)}\u{1f600}`), `${'x'.repeat(299)}?`);
});
