/** service=dns against BIND, over UDP and TCP. */
import {writeFileSync} from 'node:fs';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import type {CheckSpec} from '../messages.ts';
import {probeDns} from './dns.ts';
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

const config = (folder: string, port: number): string => `options {
  directory "${folder}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  recursion no;
  dnssec-validation no;
  empty-zones-enable no;
};
controls { };
zone "example.org" { type primary; file "example.org"; };
zone "2.0.192.in-addr.arpa" { type primary; file "reverse"; };
`;
const start = '$TTL 60\n@ SOA ns.example.org. admin.example.org. 1 60 60 60 60\n@ NS ns.example.org.\n';
const many = Array.from({length: 60}, (_, at) => `many A 192.0.2.${at + 100}\n`).join('');
const zones = {
  'example.org': `${start}ns A 192.0.2.1\nwww A 192.0.2.7\nalias CNAME www\nmail MX 10 www\n${many}`,
  reverse: `${start}7 PTR www.example.org.\n`,
};

let server: Server;
test.before(async () => {
  const folder = scratch(zones);
  const port = await freePort();
  writeFileSync(`${folder}/named.conf`, config(folder, port));
  const argv = ['named', '-g', '-n', '1', '-U', '1', '-c', `${folder}/named.conf`];
  server = await startServer(argv, folder, port, {ready: (log) => log.includes('all zones loaded')});
});
test.after.always(() => server?.stop());

const dns = test.macro(async (t, more: Partial<CheckSpec>, passed: boolean, reason: RegExp) => {
  for (const protocol of ['udp', 'tcp', 'fwm'] as const) {
    const spec = checkOf('dns', server.port, {protocol, request: 'www.example.org', ...more});
    // oxlint-disable-next-line no-await-in-loop -- one protocol after the other.
    const result = await probeDns(spec, AMPLE, systemClock);
    t.is(result.passed, passed, `${protocol}: ${result.reason}`);
    t.regex(result.reason, reason);
  }
});

test(
  'the address matches',
  dns,
  {receive: '^192\\.0\\.2\\.7$'},
  true,
  /www.example.org is 192.0.2.7, matches/,
);
test('any address', dns, {}, true, /www.example.org is 192.0.2.7$/);
test(
  'a slash before the name, an alias',
  dns,
  {request: '/alias.example.org', receive: '2.7'},
  true,
  /192.0.2.7/,
);
test('another address', dns, {receive: '^10\\.'}, false, /is 192.0.2.7, none matches \/\^10/);
test(
  'an address, asked for its name',
  dns,
  {request: '192.0.2.7', receive: 'www\\.'},
  true,
  /is www.example.org/,
);
test('no such name', dns, {request: 'no.example.org'}, false, /NXDOMAIN for no.example.org/);
test('no address', dns, {request: 'mail.example.org'}, false, /no A or PTR record for mail.example.org/);
test('an unknown zone', dns, {request: 'www.example.net'}, false, /REFUSED for www.example.net/);
test(
  'too long for a datagram',
  dns,
  {request: 'many.example.org', receive: '\\.159$'},
  true,
  /is 192.0.2.159/,
);
test('no name', dns, {request: '/'}, false, /request "\/" is not a name/);

test('udp: a silent server is asked again', async (t) => {
  const silent = await datagramServer();
  t.teardown(silent.stop);
  const spec = checkOf('dns', silent.port, {protocol: 'udp', request: 'www.example.org'});
  const result = await probeDns(spec, SHORT, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /no answer from 127.0.0.1 port \d+ within 300 ms, asked [234]x/);
  const end = performance.now() + 10_000;
  // oxlint-disable-next-line no-await-in-loop -- a datagram sent in time may arrive later.
  while (silent.heard() < 2 && performance.now() < end) await new Promise(setImmediate);
  t.true(silent.heard() > 1);
});

test('udp: a lost datagram is sent again', async (t) => {
  let lost = false;
  const lossy = await datagramServer((datagram) => {
    if (!lost) return void (lost = true);
    const answer = Buffer.from(datagram);
    answer[2] = 0x81;
    answer[3] = 0x83;
    return answer;
  });
  t.teardown(lossy.stop);
  const spec = checkOf('dns', lossy.port, {protocol: 'udp', request: 'www.example.org'});
  t.regex((await probeDns(spec, 2_000, systemClock)).reason, /NXDOMAIN/);
});

test('udp: an answer to another query is ignored', async (t) => {
  const other = await datagramServer((datagram) => {
    const answer = Buffer.from(datagram);
    answer[0] = (answer[0] ?? 0) ^ 1;
    answer[2] = 0x81;
    return answer;
  });
  t.teardown(other.stop);
  const spec = checkOf('dns', other.port, {protocol: 'udp', request: 'www.example.org'});
  t.regex((await probeDns(spec, SHORT, systemClock)).reason, /no answer/);
});

test('tcp: an exchange that breaks off fails with a reason', (t) =>
  failsWhenBroken(t, probeDns, checkOf('dns', server.port, {request: 'www.example.org'})));

test('tcp: a silent server fails at the limit', async (t) => {
  const silent = await silentServer();
  t.teardown(silent.stop);
  const result = await probeDns(
    checkOf('dns', silent.port, {request: 'www.example.org'}),
    SHORT,
    systemClock,
  );
  t.false(result.passed);
  t.regex(result.reason, /^connected in \d+ ms, no answer within 300 ms \(waiting for the answer\)$/);
  await silent.left;
});

test('nothing listens', async (t) => {
  for (const protocol of ['tcp', 'udp'] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one protocol after the other.
    const spec = checkOf('dns', await freePort(), {protocol, request: 'www.example.org'});
    // oxlint-disable-next-line no-await-in-loop -- one protocol after the other.
    const result = await probeDns(spec, AMPLE, systemClock);
    t.false(result.passed);
    t.regex(result.reason, /refused: nothing listens there/);
  }
});
