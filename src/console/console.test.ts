/** The console's API in front of a fake director: roles, sessions, cross-site requests, forms. */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {openConsole as open, PASSWORD} from './console.fixture.ts';
import {CSRF_HEADER} from './route.ts';
import {makeFirstLink} from './users.ts';

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, {readonly description: string}>>>>;
}

test('every documented route enforces its role: tried without login, as viewer, operator and admin', async (t) => {
  const {app, login} = await open(t);
  const headers = {
    nobody: {},
    viewer: await login('viewer'),
    operator: await login('operator'),
    admin: await login('admin'),
  };
  const {paths} = (
    await app.inject({method: 'GET', url: '/api/openapi.json', headers: headers.viewer})
  ).json<Described>();
  const order = ['anybody', 'viewer', 'operator', 'admin'];
  let tried = 0;
  for (const [url, methods] of Object.entries(paths))
    for (const [method, {description}] of Object.entries(methods)) {
      const role = description.replace('Role: ', '');
      t.true(order.includes(role), `${method} ${url}: ${description}`);
      // The stream does not end, and logout would end the session.
      if (url === '/api/stream' || url === '/api/logout') continue;
      for (const [who, sent] of Object.entries(headers)) {
        const {statusCode} = await app.inject({
          method: method.toUpperCase() as 'GET',
          url: url.replace('{name}', 'nobody'),
          headers: sent,
          ...(method === 'post' ? {payload: {}} : {}),
        });
        const may = order.indexOf(who === 'nobody' ? 'anybody' : who) >= order.indexOf(role);
        const refused = statusCode === 401 || (statusCode === 403 && url !== '/api/first-user');
        t.is(refused, !may, `${who} ${method} ${url}: ${statusCode}`);
        tried += 1;
      }
    }
  t.true(tried >= 80, `${tried}`);
});

test('cross-site requests change nothing: without the header, from another origin, from another site', async (t) => {
  const {app, login, asked} = await open(t);
  const session = await login('operator');
  const order = {action: 'drain', reals: ['10.0.0.2']};
  for (const headers of [
    {cookie: session.cookie},
    {...session, [CSRF_HEADER]: 'guessed'},
    {...session, origin: 'https://evil.example'},
    {...session, origin: 'null'},
    {...session, 'sec-fetch-site': 'cross-site'},
    {...session, 'sec-fetch-site': 'same-site'},
  ]) {
    const {statusCode} = await app.inject({method: 'POST', url: '/api/orders', headers, payload: order});
    t.is(statusCode, 403, JSON.stringify(headers));
  }
  t.deepEqual(asked, []);
  const good = await app.inject({method: 'POST', url: '/api/orders', headers: session, payload: order});
  t.is(good.statusCode, 200);
  t.like(asked[0], {command: 'order', who: 'operator (console)'});
});

test('a session id planted before login is replaced at login', async (t) => {
  const {app} = await open(t);
  const answer = await app.inject({
    method: 'POST',
    url: '/api/login',
    headers: {cookie: '__Host-hactl=planted'},
    payload: {user: 'viewer', password: PASSWORD},
  });
  const [cookie] = answer.cookies;
  t.not(cookie?.value, 'planted');
  t.like(cookie, {secure: true, httpOnly: true, sameSite: 'Strict', path: '/'});
  const planted = await app.inject({
    method: 'GET',
    url: '/api/status',
    headers: {cookie: '__Host-hactl=planted'},
  });
  t.is(planted.statusCode, 401);
});

test('logout and a new password both end the session', async (t) => {
  const {app, login} = await open(t);
  const [viewer, admin] = [await login('viewer'), await login('admin')];
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await app.inject({method: 'GET', url: '/api/status', headers})).statusCode;
  t.is(await status(viewer), 200);
  await app.inject({method: 'POST', url: '/api/logout', headers: viewer, payload: {}});
  t.is(await status(viewer), 401);
  const again = await login('viewer');
  const changed = await app.inject({
    method: 'POST',
    url: '/api/users',
    headers: admin,
    payload: {name: 'viewer', role: 'viewer', password: 'another long word'},
  });
  t.is(changed.statusCode, 200);
  t.is(await status(again), 401);
});

test('password guessing is slowed down, for existing and for unknown users', async (t) => {
  const {app} = await open(t);
  for (const user of ['admin', 'nobody']) {
    const codes: number[] = [];
    for (let attempt = 0; attempt < 7; attempt += 1)
      codes.push(
        (await app.inject({method: 'POST', url: '/api/login', payload: {user, password: 'wrong'}}))
          .statusCode,
      );
    t.true(codes.includes(429), `${user}: ${codes.join(' ')}`);
    t.false(codes.includes(200));
  }
});

test('the one-time link creates the first user, once', async (t) => {
  const {app, users, state} = await open(t);
  for (const {name} of users.list()) users.remove(name);
  const token = makeFirstLink(state, Date.now());
  const first = (payload: object) => app.inject({method: 'POST', url: '/api/first-user', payload});
  t.is((await first({token: 'guess', user: 'root', password: PASSWORD})).statusCode, 403);
  t.is((await first({token, user: 'root', password: 'short'})).statusCode, 400);
  const made = await first({token, user: 'alice', password: PASSWORD});
  t.like(made.json(), {user: 'alice', role: 'admin'});
  t.is((await first({token, user: 'mallory', password: PASSWORD})).statusCode, 403);
  t.false(readFileSync(`${state}/users.json`, 'utf8').includes(PASSWORD));
});

test('the last administrator cannot be removed or demoted', async (t) => {
  const {app, login} = await open(t);
  const headers = await login('admin');
  const removed = await app.inject({method: 'DELETE', url: '/api/users/admin', headers});
  t.is(removed.statusCode, 409);
  const demoted = await app.inject({
    method: 'POST',
    url: '/api/users',
    headers,
    payload: {name: 'admin', role: 'viewer', password: PASSWORD},
  });
  t.is(demoted.statusCode, 409);
});

test('the view hides secrets, and dots sent back do not overwrite them', async (t) => {
  const {app, login, asked} = await open(t);
  const view = await app.inject({method: 'GET', url: '/api/config', headers: await login('viewer')});
  t.is(view.statusCode, 200);
  t.false(view.body.includes('GEHEIM'));
  const headers = await login('admin');
  const edit = (value: string) => ({
    edits: [
      {
        kind: 'service',
        file: 'ldirectord.cf',
        edit: {type: 'set', virtual: '10.0.0.1:80', name: 'passwd', value},
      },
    ],
  });
  const dots = view.json<{files: {services: {lines: {value: string}[]}[]}[]}>().files[0]?.services[0]
    ?.lines[0];
  await app.inject({method: 'POST', url: '/api/config/plan', headers, payload: edit(dots?.value ?? '')});
  t.false(asked.some(({command}) => command === 'config-write'));
  await app.inject({method: 'POST', url: '/api/config/plan', headers, payload: edit('NEW')});
  t.true(
    asked.some((command) => command.command === 'config-write' && command.files[0]?.text.includes('NEW')),
  );
});

test('the audit log has an edit’s values without its secrets', async (t) => {
  const {app, login, state} = await open(t);
  const headers = await login('admin');
  const set = (name: string, value: string) => ({
    kind: 'service',
    file: 'ldirectord.cf',
    edit: {type: 'set', virtual: '10.0.0.1:80', name, value},
  });
  const payload = {
    edits: [
      set('passwd', 'SECRET-1'),
      set('request', '"AUTH SECRET-2"'),
      set('receive', '"seen in the log"'),
    ],
  };
  await app.inject({method: 'POST', url: '/api/config/plan', headers, payload});
  const audit = readFileSync(`${state}/audit.jsonl`, 'utf8');
  t.regex(audit, /config\/plan.*passwd.*seen in the log/);
  t.notRegex(audit, /SECRET-/);
});

test('a foreign header or path is refused with a plain error; every answer has strict security headers', async (t) => {
  const {app} = await open(t);
  for (const url of [
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/api/../../etc/shadow',
    '/.git/config',
    '/api/nothing',
  ]) {
    const answer = await app.inject({method: 'GET', url});
    t.true([400, 404].includes(answer.statusCode), `${url}: ${answer.statusCode}`);
    t.regex(String(answer.headers['content-security-policy']), /default-src 'none'/);
    t.false(String(answer.headers['content-security-policy']).includes('unsafe'));
    t.is(answer.headers['x-frame-options'], 'DENY');
  }
  const long = await app.inject({
    method: 'POST',
    url: '/api/login',
    payload: {user: 'a', password: 'x'.repeat(50_000)},
  });
  t.is(long.statusCode, 413);
});

test('the metrics require the token or a session, and follow Prometheus conventions', async (t) => {
  const {app, login} = await open(t);
  t.is((await app.inject({method: 'GET', url: '/metrics'})).statusCode, 401);
  t.is(
    (await app.inject({method: 'GET', url: '/metrics', headers: {authorization: 'Bearer '}})).statusCode,
    401,
  );
  const scraped = await app.inject({
    method: 'GET',
    url: '/metrics',
    headers: {authorization: 'Bearer SCRAPE'},
  });
  t.is(scraped.statusCode, 200);
  t.regex(scraped.body, /^hactl_up 1$/m);
  t.regex(scraped.body, /^hactl_group_active\{group="/m);
  t.is((await app.inject({method: 'GET', url: '/metrics', headers: await login('viewer')})).statusCode, 200);
});

test('actions are recorded in the audit log, without the password', async (t) => {
  const {app, login, state} = await open(t);
  const headers = await login('operator');
  await app.inject({
    method: 'POST',
    url: '/api/orders',
    headers,
    payload: {action: 'drain', reals: ['10.0.0.2']},
  });
  const audit = readFileSync(`${state}/audit.jsonl`, 'utf8');
  t.regex(audit, /"user":"operator".*POST \/api\/orders.*10\.0\.0\.2/);
  t.false(audit.includes(PASSWORD));
});
