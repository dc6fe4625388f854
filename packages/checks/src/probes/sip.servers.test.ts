/** service=sip against Kamailio, over UDP and TCP. */
import {systemClock} from '@hactl/base';
import test from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import net from 'node:net';
import {probeSip, judgeSip} from './sip.ts';
import {
  AMPLE,
  datagramServer,
  scratch,
  SHORT,
  silentServer,
  startServer,
  type Server,
} from './real-server.ts';
import {checkOf, freePort} from './testing.ts';

const config = (port: number): string => `#!KAMAILIO
children=1
tcp_children=1
auto_aliases=no
log_stderror=yes
listen=udp:127.0.0.1:${port}
listen=tcp:127.0.0.1:${port}
loadmodule "sl.so"
loadmodule "pv.so"
request_route {
  if ($rU == "busy") { sl_send_reply("503", "Service Unavailable"); exit; }
  if ($rU == "slow") { sl_send_reply("100", "Trying"); }
  if (method == "OPTIONS") { sl_send_reply("200", "OK"); exit; }
  sl_send_reply("405", "Method Not Allowed");
}
`;

let server: Server;
test.before(async () => {
  const port = await freePort();
  const folder = scratch({'kamailio.cfg': config(port)});
  const argv = ['kamailio', '-DD', '-E', '-f', `${folder}/kamailio.cfg`, '-Y', folder, '-m', '16', '-M', '4'];
  server = await startServer(argv, folder, port);
});
test.after.always(() => server?.stop());

const sip = test.macro(async (t, login: string | undefined, passed: boolean, reason: RegExp) => {
  for (const protocol of ['udp', 'tcp'] as const) {
    const spec = checkOf('sip', server.port, {protocol, ...(login === undefined ? {} : {login})});
    // oxlint-disable-next-line no-await-in-loop -- one protocol after the other.
    const result = await probeSip(spec, AMPLE, systemClock);
    t.is(result.passed, passed, `${protocol}: ${result.reason}`);
    t.regex(result.reason, reason);
  }
});

test('answers', sip, 'monitoring@127.0.0.1', true, /OPTIONS sip:monitoring@127.0.0.1: 200 OK$/);
test('without a login', sip, undefined, true, /OPTIONS sip:ldirectord@\S+: 200 OK$/);
test('a provisional answer first', sip, 'slow@127.0.0.1', true, /200 OK$/);
test('another answer', sip, 'busy@127.0.0.1', false, /OPTIONS sip:busy@127.0.0.1: 503 Service Unavailable$/);

test('an answer to another request, or an incomplete one, is ignored', (t) => {
  const answer = 'SIP/2.0 200 OK\r\nCall-ID: abc\r\n\r\n';
  t.is(judgeSip(answer, 'abc', 'me')?.passed, true);
  t.is(judgeSip(answer.replace('Call-ID', 'i '), 'abc', 'me')?.passed, true);
  t.is(judgeSip(answer, 'abd', 'me'), undefined);
  t.is(judgeSip(answer.slice(0, -2), 'abc', 'me'), undefined);
  t.is(judgeSip(answer.replace('200 OK', '200'), 'abc', 'me')?.passed, true);
  t.is(judgeSip('HTTP/1.1 400 Bad Request\r\n\r\n', 'abc', 'me')?.passed, false);
});

test('tcp: a server that never stops sending fails', async (t) => {
  const talker = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('SIP/2.0 200 OK\r\n'.padEnd(100_000, 'x'));
  });
  await new Promise<void>((resolve) => talker.listen(0, '127.0.0.1', resolve));
  t.teardown(() => talker.close());
  const {port} = talker.address() as net.AddressInfo;
  const result = await probeSip(checkOf('sip', port), AMPLE, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /no end of the answer within 65536 octets/);
});

test('udp: a silent server fails at the limit', async (t) => {
  const silent = await datagramServer();
  t.teardown(silent.stop);
  const result = await probeSip(checkOf('sip', silent.port, {protocol: 'udp'}), SHORT, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /no answer .* within 300 ms, asked/);
});

test('tcp: an exchange that breaks off fails with a reason', (t) =>
  failsWhenBroken(t, probeSip, checkOf('sip', server.port)));

test('tcp: a silent server fails at the limit', async (t) => {
  const silent = await silentServer();
  t.teardown(silent.stop);
  const result = await probeSip(checkOf('sip', silent.port), SHORT, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /within 300 ms \(waiting for the answer\)/);
  await silent.left;
});

test('nothing listens', async (t) => {
  for (const protocol of ['tcp', 'udp'] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one protocol after the other.
    const spec = checkOf('sip', await freePort(), {protocol});
    // oxlint-disable-next-line no-await-in-loop -- one protocol after the other.
    const result = await probeSip(spec, AMPLE, systemClock);
    t.false(result.passed);
    t.regex(result.reason, /refused: nothing listens there/);
  }
});
