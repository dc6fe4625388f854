/** The probe of each service, and its limit. */
import net from 'node:net';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {serverName} from './connect.ts';
import {probe} from './index.ts';
import {silentServer} from './real-server.ts';
import {checkOf, freePort} from './testing.ts';

const pinger = {ping: () => () => undefined, close: () => undefined};

test('oracle: only connects, and says why', async (t) => {
  const server = await silentServer();
  t.teardown(server.stop);
  const up = await probe(checkOf('oracle', server.port), 'negotiate', systemClock, pinger);
  t.true(up.passed);
  t.regex(up.reason, /^connected in \d+ ms \(service oracle: no client for Oracle exists in Debian/);
  const down = await probe(checkOf('oracle', await freePort()), 'negotiate', systemClock, pinger);
  t.false(down.passed);
});

test('ldap is limited by checktimeout, the others by negotiatetimeout', async (t) => {
  const server = await silentServer();
  t.teardown(server.stop);
  const limits = {checkTimeout: 40, negotiateTimeout: 80, login: 'x', request: 'SELECT 1'};
  for (const [service, limit] of [
    ['ldap', 40],
    ['ldaps', 40],
    ['http', 80],
    ['mysql', 80],
    ['pgsql', 80],
    ['sip', 80],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    const {reason} = await probe(checkOf(service, server.port, limits), 'negotiate', systemClock, pinger);
    t.regex(reason, new RegExp(`within ${limit} ms`), service);
  }
});

test('combined: connect checks between two negotiate checks', async (t) => {
  const server = await silentServer();
  t.teardown(server.stop);
  const spec = checkOf('http', server.port, {
    checkType: {kind: 'combined', connects: 2},
    negotiateTimeout: 40,
  });
  t.true((await probe(spec, 'connect', systemClock, pinger)).passed);
  t.false((await probe(spec, 'negotiate', systemClock, pinger)).passed);
});

test('http: an endless head is read up to its bound only', async (t) => {
  const talker = net.createServer((socket) => {
    socket.on('error', () => undefined);
    const more = (): void => {
      while (!socket.destroyed && socket.write(`X-More: ${'x'.repeat(1_000)}\r\n`));
    };
    socket.on('drain', more);
    socket.write('HTTP/1.1 200 OK\r\n');
    more();
  });
  await new Promise<void>((resolve) => talker.listen(0, '127.0.0.1', resolve));
  t.teardown(() => talker.close());
  const {port} = talker.address() as net.AddressInfo;
  const result = await probe(checkOf('http', port), 'negotiate', systemClock, pinger);
  t.false(result.passed);
  t.regex(result.reason, /no end of the answer's head within 65536 octets/);
});

test('the SNI name has no port and is never an address', (t) => {
  for (const [host, name] of [
    ['www.example.org', 'www.example.org'],
    ['www.example.org:8443', 'www.example.org'],
    ['a_b', 'a_b'],
    ['192.0.2.7', undefined],
    ['192.0.2.7:443', undefined],
    ['[2001:db8::7]', undefined],
    ['[2001:db8::7]:443', undefined],
    ['2001:db8::7', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const)
    t.is(serverName(host).servername, name, host);
});
