/** TLS checks: the second handshake with a server resumes its session; without one, a full handshake follows. */
import tls from 'node:tls';
import type {AddressInfo} from 'node:net';
import {systemClock} from '@hactl/base';
import test, {type ExecutionContext} from 'ava';
import {probeHttp} from './http.ts';
import {probeImap} from './imap.ts';
import {probeLdap} from './ldap.ts';
import {probeNntp} from './nntp.ts';
import {cert, key} from '../tls.fixture.ts';
import {APPLICATION, HANDSHAKE, handshake13, ticket, type Writer} from '../tls13.fixture.ts';
import {checkOf, serve} from './testing.ts';
import {ALLOWANCE, exceeds} from '../quarantine.ts';
import {measure, Spending} from '../spending.ts';
import {certificateEnd, certificateOf} from './tls-client.ts';

const LIMIT = 60_000;

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`${version}: the session is resumed, and a server that lost it gets a full handshake`, async (t) => {
    const reused: boolean[] = [];
    const server = tls.createServer({cert, key, minVersion: version, maxVersion: version}, (socket) => {
      reused.push(socket.isSessionReused());
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const spec = checkOf('https', (server.address() as AddressInfo).port, {receive: 'OK'});
    const check = async (): Promise<void> => {
      const {passed, reason} = await probeHttp(spec, LIMIT, systemClock);
      t.true(passed, reason);
      t.regex(reason, /TLS ok/);
    };
    await check();
    await check();
    t.deepEqual(reused, [false, true]);
    // New ticket keys, as after a restart of the server.
    server.setTicketKeys(Buffer.alloc(48, 7));
    await check();
    await check();
    t.deepEqual(reused, [false, true, false, true]);
  });

test('a server without TLS fails every check with that reason', async (t) => {
  const {default: net} = await import('node:net');
  const server = net.createServer((socket) => socket.on('error', () => undefined).end('200 plain\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const spec = checkOf('https', (server.address() as AddressInfo).port);
  t.regex((await probeHttp(spec, LIMIT, systemClock)).reason, /does not speak TLS/);
  t.true((await probeNntp(spec, LIMIT, systemClock)).passed);
});

/** A server with a certificate until 2126; records the SNI names and whether sessions were resumed. */
async function serveTls(t: ExecutionContext): Promise<{port: number; names: unknown[]; reused: boolean[]}> {
  const names: unknown[] = [];
  const reused: boolean[] = [];
  const server = tls.createServer({cert, key}, (socket) => {
    names.push(socket.servername);
    reused.push(socket.isSessionReused());
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return {port: (server.address() as AddressInfo).port, names, reused};
}

test('the SNI name is virtualhost without port; an address is not sent', async (t) => {
  const {port, names} = await serveTls(t);
  for (const virtualHost of ['www.example.test', 'www.example.test:8443', '10.0.0.1', undefined])
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    await probeHttp(
      checkOf('https', port, virtualHost === undefined ? {} : {virtualHost}),
      LIMIT,
      systemClock,
    );
  t.deepEqual(names, ['www.example.test', 'www.example.test', false, false]);
});

test('the expiry is remembered, and a certificate about to expire is read in every check', async (t) => {
  const {port, reused} = await serveTls(t);
  const check = async (certDays: number): Promise<string | undefined> => {
    const spec = checkOf('https', port, {certDays});
    await probeHttp(spec, LIMIT, systemClock);
    await probeHttp(spec, LIMIT, systemClock);
    return certificateOf(spec, Date.now())?.date;
  };
  t.is(await check(14), '2126-11-04');
  t.deepEqual(reused.splice(0), [false, true], 'it is valid for long enough');
  t.is(await check(60_000), '2126-11-04');
  t.deepEqual(reused.splice(0), [false, false], 'it may be another one by now');
  t.is(await check(0), undefined, 'nobody wants to know');
});

const DAY = 86_400_000;
for (const [left, words] of [
  [13.5 * DAY, 'runs out in 13 days'],
  [1.5 * DAY, 'runs out in 1 day'],
  [0.5 * DAY, 'runs out within a day'],
  [-0.5 * DAY, 'ran out 1 day ago'],
  [-3 * DAY, 'ran out 3 days ago'],
] as const)
  test(`a certificate with ${left / DAY} days to live ${words}`, (t) => {
    const ends = Date.UTC(2026, 11, 24, 12);
    t.is(certificateEnd(ends, ends - left).words, `the certificate ${words} (2026-12-24)`);
  });

test('a server that keeps renegotiating fails the check, and gets the request once', async (t) => {
  const requests: string[] = [];
  const server = tls.createServer({cert, key, maxVersion: 'TLSv1.2'}, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (octets) => requests.push(octets.toString()));
    const again = (): void => {
      if (!socket.destroyed) socket.renegotiate({}, again);
    };
    again();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  for (const [probe, service] of [
    [probeHttp, 'https'],
    [probeImap, 'imaps'],
    [probeLdap, 'ldaps'],
  ] as const) {
    const spec = checkOf(service, (server.address() as AddressInfo).port);
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    const {passed, reason} = await probe(spec, LIMIT, systemClock);
    t.false(passed, service);
    t.regex(reason, /^connected in \d+ ms, TLS ok, .*more than 3 TLS handshakes$/, service);
  }
  t.is(requests.join('').split('GET / ').length - 1, 1);
});

const floods: Readonly<Record<string, readonly [what: (writer: Writer) => Buffer, reason: RegExp]>> = {
  'session tickets': [
    (writer) => writer.record(HANDSHAKE, Buffer.concat(Array(100).fill(ticket()))),
    /more than 16 TLS session tickets$/,
  ],
  padding: [
    (writer) => Buffer.concat(Array.from({length: 20}, () => writer.padding())),
    /more than 256 KiB of TLS that carry no data$/,
  ],
  'new keys': [
    (writer) => Buffer.concat(Array.from({length: 10_000}, () => writer.update(false))),
    /more than 256 KiB of TLS that carry no data$/,
  ],
};

for (const [what, [make, expected]] of Object.entries(floods))
  test(`${what} without end are no answer, and expensive`, async (t) => {
    const port = await serve(t, (socket) => handshake13(socket, (writer) => socket.write(make(writer))));
    const spec = checkOf('https', port);
    const spending = new Spending(undefined);
    measure(spec, spending);
    const {passed, reason} = await probeHttp(spec, LIMIT, systemClock);
    t.false(passed);
    t.regex(reason, expected);
    t.true(exceeds(spending.cost(), ALLOWANCE));
  });

test('new keys and tickets as servers send them are no matter', async (t) => {
  const port = await serve(t, (socket) =>
    handshake13(socket, (writer) => {
      const answer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK');
      const tickets = writer.record(HANDSHAKE, Buffer.concat(Array(4).fill(ticket())));
      socket.write(Buffer.concat([tickets, writer.update(true), writer.record(APPLICATION, answer)]));
    }),
  );
  const {passed, reason} = await probeHttp(checkOf('https', port, {receive: 'OK'}), LIMIT, systemClock);
  t.true(passed, reason);
});
