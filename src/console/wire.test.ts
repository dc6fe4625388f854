/** The console on the wire: slow clients, many connections, other origins, and streams whose session ends. */
import {once} from 'node:events';
import {connect, type AddressInfo, type Socket} from 'node:net';
import {mkdtempSync, rmSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import test from 'ava';
import {until} from '../../test/lab/until.ts';
import {snapshot} from '../control/snapshot.fixture.ts';
import {openCertificate} from './certificate.ts';
import {clock, openConsole, type OpenOptions} from './console.fixture.ts';

type Test = Parameters<typeof openConsole>[0];

/** Listens on loopback with TLS; the sockets are closed with the test. */
async function listen(t: Test, options: OpenOptions = {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-wire-'));
  const certificate = await openCertificate(folder, ['localhost'], clock.wall());
  rmSync(folder, {recursive: true, force: true});
  const opened = await openConsole(t, {certificate, ...options});
  await opened.app.listen({host: '127.0.0.1', port: 0});
  const {port} = opened.app.server.address() as AddressInfo;
  const sockets: Socket[] = [];
  t.teardown(() => sockets.forEach((socket) => socket.destroy()));
  const kept = <S extends Socket>(socket: S): S => {
    sockets.push(socket);
    // Being cut off is the expected outcome.
    socket.on('error', () => undefined);
    return socket;
  };
  return {
    ...opened,
    port,
    plain: () => kept(connect(port, '127.0.0.1')),
    secure: (more: tls.ConnectionOptions = {}) =>
      kept(tls.connect({port, host: '127.0.0.1', rejectUnauthorized: false, ...more})),
  };
}

/** All data until the peer closes. */
async function rest(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += String(chunk);
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

const limits = {request: 300};

test('a change that takes longer than the silence limit is answered', async (t) => {
  const work: {done?: () => void} = {};
  const {secure, login} = await listen(t, {
    limits: {silence: 100},
    delay: async ({command}) => {
      if (command === 'config-write') await new Promise<void>((done) => Object.assign(work, {done}));
    },
  });
  const session = Object.entries(await login('admin')).map(([name, value]) => `${name}: ${value}`);
  const edit = {type: 'set', virtual: '10.0.0.1:80', name: 'scheduler', value: 'rr'};
  const body = JSON.stringify({edits: [{kind: 'service', file: 'ldirectord.cf', edit}], id: 'click-one'});
  const answer = ask(
    secure(),
    ['POST /api/config/apply HTTP/1.1', 'host: x', 'content-type: application/json', ...session],
    body,
  );
  await until('the change is under way', 10_000, () => work.done !== undefined);
  // An idle connection that was opened later reaches the limit: the other one is past it.
  await rest(secure());
  work.done?.();
  t.regex(await answer, /^HTTP\/1\.1 200/);
});

test('a client that sends a body or a header octet by octet is cut off', async (t) => {
  const {secure} = await listen(t, {limits});
  const head =
    'POST /api/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n';
  for (const start of [`${head}\r\n`, head]) {
    const socket = secure();
    socket.write(start);
    const drip = setInterval(() => socket.write('x'), 50);
    const answer = await rest(socket).finally(() => clearInterval(drip));
    t.regex(answer, /^(HTTP\/1\.1 408|$)/);
  }
});

test('a client that never starts the handshake is cut off', async (t) => {
  const {plain} = await listen(t, {limits});
  t.is(await rest(plain()), '');
});

test('TLS 1.2 is refused', async (t) => {
  const {secure} = await listen(t);
  const [error] = (await once(secure({maxVersion: 'TLSv1.2'}), 'error')) as [NodeJS.ErrnoException];
  t.regex(error.code ?? '', /ALERT_PROTOCOL_VERSION|UNSUPPORTED/);
});

test('connections of one address beyond its limit are closed, and those within it work', async (t) => {
  const {plain, secure} = await listen(t, {limits: {connections: 4}});
  const first = secure();
  await once(first, 'secureConnect');
  const others = Array.from({length: 6}, plain);
  await Promise.all(others.slice(3).map(rest));
  t.deepEqual(others.slice(0, 3).map(({closed}) => closed), [false, false, false]); // prettier-ignore
  first.end('GET /api/session HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  t.regex(await rest(first), /^HTTP\/1\.1 200/);
});

const ask = async (socket: Socket, lines: readonly string[], body = ''): Promise<string> => {
  socket.write(
    `${[...lines, 'connection: close', `content-length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`,
  );
  return rest(socket);
};

test('a page of the same host without TLS is another origin', async (t) => {
  const {secure, login} = await listen(t);
  const session = Object.entries(await login('operator')).map(([name, value]) => `${name}: ${value}`);
  const body = '{"action":"drain","reals":["10.0.0.2"]}';
  const order = ['POST /api/orders HTTP/1.1', 'host: lb1:3636', 'content-type: application/json', ...session];
  t.regex(await ask(secure(), [...order, 'origin: http://lb1:3636'], body), /^HTTP\/1\.1 403/);
  t.regex(await ask(secure(), [...order, 'origin: https://lb1:3637'], body), /^HTTP\/1\.1 403/);
  t.regex(await ask(secure(), [...order, 'origin: https://lb1:3636'], body), /^HTTP\/1\.1 200/);
});

for (const [how, end] of [
  ['logs out', 'logout'],
  ['is removed', 'remove'],
  ['gets a new password', 'password'],
  ['has been logged in for twelve hours', 'age'],
] as const)
  test(`the stream of a user who ${how} ends`, async (t) => {
    let wall = clock.wall();
    const {app, secure, login, live} = await listen(t, {clock: {...clock, wall: () => wall}});
    const viewer = await login('viewer');
    const headers = await login('admin');
    const socket = secure();
    const ended = rest(socket);
    socket.write(
      `GET /api/stream HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncookie: ${viewer.cookie}\r\n\r\n`,
    );
    await once(socket, 'data');
    for (let hour = 0; hour < 11; hour += 1) {
      await live.look();
      t.false(socket.readableEnded);
    }
    if (end === 'logout')
      await app.inject({method: 'POST', url: '/api/logout', headers: viewer, payload: {}});
    if (end === 'remove') await app.inject({method: 'DELETE', url: '/api/users/viewer', headers});
    if (end === 'password')
      await app.inject({
        method: 'POST',
        url: '/api/users',
        headers,
        payload: {name: 'viewer', role: 'viewer', password: 'another long word'},
      });
    // Watching keeps a session from idling out, but not from its absolute timeout.
    if (end === 'age')
      for (let quarter = 1; quarter <= 49; quarter += 1) {
        wall += 15 * 60_000;
        await live.look();
      }
    await live.look();
    t.regex(await ended, /^HTTP\/1\.1 200[^]*data: /);
  });

test('a server’s answer can neither end an event of the stream nor start another', async (t) => {
  const evil = 'up\r\n\r\ndata: {"ok":false}\n\nevent: x\u2028\n';
  const {secure, login, live} = await listen(t, {status: () => ({...snapshot, problems: [evil]})});
  const {cookie} = await login('viewer');
  await live.look();
  const socket = secure();
  const ended = rest(socket);
  socket.write(`GET /api/stream HTTP/1.1\r\nhost: x\r\ncookie: ${cookie}\r\n\r\n`);
  await once(socket, 'data');
  await live.look();
  socket.end();
  const [, body = ''] = (await ended).split(/\r\n\r\n/);
  const lines = body.split(/\r?\n/).filter((line) => /^[a-z]+:/.test(line));
  t.true(lines.length > 0);
  for (const line of lines) t.true(line.startsWith('data: {"ok":true'), line.slice(0, 60));
});
