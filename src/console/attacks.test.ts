/** Attacks on the console by unauthenticated clients, viewers and hostile servers: nothing changes, nothing leaks. */
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import {snapshot} from '../control/snapshot.fixture.ts';
import {networkOf} from './connections.ts';
import {openConsole, PASSWORD} from './console.fixture.ts';
import {openAudit} from './audit.ts';

const auditOf = (state: string): string => {
  try {
    return readFileSync(`${state}/audit.jsonl`, 'utf8');
  } catch {
    return '';
  }
};

test('unauthenticated requests do not rotate the audit log away; judged logins and users’ requests are in it', async (t) => {
  const {app, login, state} = await openConsole(t);
  for (const request of [
    {method: 'POST', url: '/api/nothing', payload: {}},
    {method: 'POST', url: '/api/orders', payload: {action: 'drain', reals: ['10.0.0.2']}},
    {method: 'DELETE', url: '/api/users/admin'},
    {method: 'POST', url: '/api/login', payload: {user: 'x'}},
    {method: 'POST', url: '/api/login', payload: {user: 'x', password: 'y'.repeat(50_000)}},
    {method: 'POST', url: '/api/login', payload: {}, headers: {'sec-fetch-site': 'cross-site'}},
    {method: 'POST', url: '/api/login', payload: '{"user":', headers: {'content-type': 'application/json'}},
    {method: 'PUT', url: '/api/users'},
    {method: 'OPTIONS', url: '/api/orders'},
  ] as const)
    t.true((await app.inject(request)).statusCode >= 400, JSON.stringify(request));
  t.is(auditOf(state), '');
  await app.inject({method: 'POST', url: '/api/login', payload: {user: 'admin', password: 'wrong'}});
  t.regex(auditOf(state), /"action":"POST \/api\/login".*"status":401/);
  const headers = await login('viewer');
  await app.inject({method: 'POST', url: '/api/orders', headers, payload: {action: 'drain', reals: ['x']}});
  t.regex(auditOf(state), /"user":"viewer".*"status":403/);
});

test('a password sent as text/plain is refused, and no part of it is logged', async (t) => {
  const {app, login, state} = await openConsole(t);
  const answer = await app.inject({
    method: 'POST',
    url: '/api/users',
    headers: {...(await login('admin')), 'content-type': 'text/plain'},
    payload: JSON.stringify({name: 'eve', role: 'admin', password: 'TOP-SECRET-WORD'}),
  });
  t.is(answer.statusCode, 415);
  t.false(
    auditOf(state)
      .replaceAll(/[^A-Z-]/g, '')
      .includes('TOP-SECRET'),
  );
});

test('secrets of a real server are not in the audit log, nor in the new line', async (t) => {
  const {app, login, state} = await openConsole(t);
  const real = '10.0.0.2:80 gate "AUTH SECRET-1"';
  for (const edit of [
    {type: 'add-real', virtual: '10.0.0.1:80', real},
    {type: 'set-real', virtual: '10.0.0.1:80', real: '10.0.0.2:80', to: real},
    {type: 'add-virtual', virtual: '10.0.0.9:80', lines: [{name: 'passwd', value: 'SECRET-2'}]},
  ])
    await app.inject({
      method: 'POST',
      url: '/api/config/plan',
      headers: await login('admin'),
      payload: {edits: [{kind: 'service', file: 'ldirectord.cf', edit}]},
    });
  await app.inject({
    method: 'POST',
    url: '/api/config/plan',
    headers: await login('admin'),
    payload: {edits: [{kind: 'ha', name: 'hactl_fence', value: '/usr/bin/fence -p SECRET-3'}]},
  });
  t.regex(auditOf(state), /set-real/);
  t.notRegex(auditOf(state), /SECRET-/);
});

test('a change that was made is not reported as an error when the audit log’s disk is full', async (t) => {
  const audit = {...openAudit('/nowhere'), write: () => {
    throw new Error('ENOSPC');
  }}; // prettier-ignore
  const {app, login, asked} = await openConsole(t, {audit});
  const payload = {action: 'drain', reals: ['10.0.0.2']};
  const answer = await app.inject({
    method: 'POST',
    url: '/api/orders',
    headers: await login('operator'),
    payload,
  });
  t.is(answer.statusCode, 200);
  t.is(asked.length, 1);
});

test('addresses of one IPv6 network count as one', (t) => {
  for (const [address, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:1::7', '2001:db8:0:1::/64'],
    ['2001:0DB8::1:a:b:c:d', '2001:db8:0:1::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ] as const)
    t.is(networkOf(address), network, address);
});

test('password guessing is slowed down per IPv6 network, not per address', async (t) => {
  const {app} = await openConsole(t);
  const attempt = async (address: string, user: string): Promise<number> => {
    const payload = {user, password: 'wrong'};
    return (await app.inject({method: 'POST', url: '/api/login', remoteAddress: address, payload}))
      .statusCode;
  };
  const codes: number[] = [];
  for (let host = 1; host <= 7; host += 1) codes.push(await attempt(`2001:db8::${host}`, `user${host}`));
  t.true(codes.includes(429), codes.join(' '));
  t.is(await attempt('2001:db8:0:1::1', 'user8'), 401, 'another network may try');
});

test('behind a proxy the address that the proxy reports counts, not one that the client claims', async (t) => {
  const {app, state} = await openConsole(t);
  await app.inject({
    method: 'POST',
    url: '/api/login',
    headers: {'x-forwarded-for': '203.0.113.66, 192.0.2.7'},
    payload: {user: 'nobody', password: 'wrong'},
  });
  t.regex(auditOf(state), /"address":"192\.0\.2\.7"/);
});

test('answers do not reveal which users exist: a wrong password and an unknown user get the same answer', async (t) => {
  const {app, login} = await openConsole(t);
  const headers = await login('operator');
  const said = async (user: string): Promise<string[]> => {
    const answers = [
      await app.inject({method: 'POST', url: '/api/login', payload: {user, password: 'wrong word here'}}),
      await app.inject({method: 'DELETE', url: `/api/users/${user}`, headers}),
      await app.inject({method: 'HEAD', url: '/api/users', headers}),
      await app.inject({
        method: 'GET',
        url: '/api/users',
        headers: {...headers, 'x-http-method-override': 'POST'},
      }),
    ];
    return answers.map(({statusCode, body}) => `${statusCode} ${body}`);
  };
  t.deepEqual(await said('admin'), await said('zebra'));
  t.deepEqual((await said('admin')).map((line) => line.slice(0, 3)), ['401', '403', '403', '403']); // prettier-ignore
});

test('other origins are refused: without TLS, in a preflight, and for a text/plain form', async (t) => {
  const {app, login, asked} = await openConsole(t);
  const session = await login('admin');
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/api/orders',
    headers: {origin: 'https://evil.example', 'access-control-request-method': 'POST'},
  });
  t.is(preflight.statusCode, 404);
  t.deepEqual(Object.keys(preflight.headers).filter((name) => name.startsWith('access-control')), []); // prettier-ignore
  for (const contentType of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
    t.is(
      (
        await app.inject({
          method: 'POST',
          url: '/api/orders',
          headers: {...session, 'content-type': contentType},
          payload: '{"action":"drain","reals":["10.0.0.2"]}',
        })
      ).statusCode,
      415,
    );
  t.deepEqual(asked, []);
});

test('a body with __proto__ or properties outside its schema is refused', async (t) => {
  const {app, login, asked} = await openConsole(t);
  const headers = {...(await login('admin')), 'content-type': 'application/json'};
  for (const payload of [
    '{"__proto__":{"role":"admin"},"action":"drain","reals":["x"]}',
    '{"constructor":{"prototype":{"x":1}},"action":"drain","reals":["x"]}',
    '{"action":"drain","reals":["x"],"who":"root"}',
    '{"action":"drain","reals":"x","reals":[{"a":1}]}',
    '[]',
    'null',
  ])
    t.is((await app.inject({method: 'POST', url: '/api/orders', headers, payload})).statusCode, 400, payload);
  t.deepEqual(asked, []);
});

const HOSTILE =
  '</script><img src=x onerror=alert(1)>"\r\nset-cookie: a=b\r\n\r\ndata: {"ok":false}\n\nevent: x';
const hostileSnapshot = {
  ...snapshot,
  problems: [HOSTILE],
  virtuals: snapshot.virtuals.map((virtual) => ({
    ...virtual,
    name: `tcp ${HOSTILE}`,
    reals: virtual.reals.map((real) => ({...real, name: HOSTILE, reason: HOSTILE})),
  })),
};

test('line breaks and tags in a host name, a value or an answer are escaped, in JSON and in metrics', async (t) => {
  const {app, login, live} = await openConsole(t, {status: () => hostileSnapshot});
  await live.look();
  const headers = await login('viewer');
  const status = await app.inject({method: 'GET', url: '/api/status', headers});
  t.is(status.headers['content-type'], 'application/json; charset=utf-8');
  t.is(status.headers['set-cookie'], undefined);
  t.is(status.json<{status: {problems: string[]}}>().status.problems[0], HOSTILE);
  const metrics = await app.inject({method: 'GET', url: '/metrics', headers});
  for (const line of metrics.body.split('\n'))
    t.regex(line, /^$|^# (HELP|TYPE) |^\w+(\{(\w+="([^"\\\n]|\\.)*",?)*\})? \S+$/i);
});

test('the page inserts text, never HTML', (t) => {
  const folder = path.join(import.meta.dirname, 'page');
  for (const name of readdirSync(folder))
    t.notRegex(readFileSync(path.join(folder, name), 'utf8'), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/i, name); // prettier-ignore
});

test('no path escapes the page’s folder', async (t) => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'hactl-page-'));
  t.teardown(() => rmSync(root, {recursive: true, force: true}));
  const page = path.join(root, 'page');
  mkdirSync(page);
  for (const [file, text] of [
    [`${root}/secret.txt`, 'SECRET'],
    [`${root}/page.txt`, 'SECRET'],
    [`${page}/.hidden`, 'SECRET'],
    [`${page}/index.html`, 'the page'],
    [`${page}/app.js`, 'the script'],
    [`${page}/app.js.gz`, 'packed'],
  ] as const)
    writeFileSync(file, text);
  const {app} = await openConsole(t, {page});
  for (const url of [
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/%252e%252e%252fsecret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/app.js/../../secret.txt',
    '/./../secret.txt',
    '//../secret.txt',
    '/..;/secret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '/app.js%00/../../secret.txt',
    '/../page.txt',
    `/${root}/secret.txt`,
    '/.hidden',
    '/%2ehidden',
    '/.hidden/../.hidden',
  ]) {
    const {statusCode, body} = await app.inject({method: 'GET', url});
    t.true(statusCode >= 400, `${url}: ${statusCode}`);
    t.false(body.includes('SECRET'), url);
  }
  const script = await app.inject({method: 'GET', url: '/app.js?123', headers: {'accept-encoding': 'gzip'}});
  t.like(script.headers, {
    'content-encoding': 'gzip',
    'cache-control': 'public, max-age=31536000, immutable',
  });
  t.is((await app.inject({method: 'GET', url: '/'})).headers['cache-control'], 'no-cache');
});

test('the metrics require the whole token, not a part of it', async (t) => {
  const {app} = await openConsole(t);
  for (const authorization of ['Bearer SCRAP', 'Bearer SCRAPE ', 'bearer SCRAPE', 'SCRAPE', 'Bearer undefined', `Basic ${PASSWORD}`])
    t.is((await app.inject({method: 'GET', url: '/metrics', headers: {authorization}})).statusCode, 401, authorization); // prettier-ignore
});
