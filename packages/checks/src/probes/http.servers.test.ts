/** service=http and https against nginx, http_proxy against Squid in front of it. */
import {writeFileSync} from 'node:fs';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import {probeHttp} from './http.ts';
import {AMPLE, certificate, scratch, SHORT, silentServer, startServer, type Server} from './real-server.ts';
import {accepts, checkOf, freePort} from './testing.ts';

const site = (port: number, more = ''): string => `listen 127.0.0.1:${port}${more};
    location = /ok { return 200 "It Works!"; }
    location = /there { return 302 /ok; }
    location = /whole { return 302 http://$http_host/ok; }
    location = /loop { return 302 /loop; }
    location = /busy { return 503; }`;
const nginx = (folder: string, ports: typeof at): string => `daemon off;
user root;
worker_processes 1;
pid ${folder}/pid;
error_log stderr;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    server_name www.example.org;
    ${site(ports.http)}
  }
  server {
    server_name www.example.org;
    ssl_certificate ${folder}/cert.pem;
    ssl_certificate_key ${folder}/key.pem;
    ${site(ports.https, ' ssl')}
    location = /name { return 200 "$ssl_server_name $host"; }
  }
  server {
    listen 127.0.0.1:${ports.https} ssl default_server;
    ssl_reject_handshake on;
  }
  server {
    listen 127.0.0.1:${ports.http} default_server;
    location = /plain { return 200 "through the proxy"; }
    location = /away { return 302 /plain; }
    location / { return 404; }
  }
}
`;
const squid = (folder: string, port: number): string => `http_port 127.0.0.1:${port}
pid_filename none
cache_effective_user nobody
access_log none
cache_log ${folder}/cache.log
cache deny all
coredump_dir ${folder}
pinger_enable off
shutdown_lifetime 0 seconds
http_access allow localhost
http_access deny all
visible_hostname proxy.example.org
`;

const at = {http: 0, https: 0, proxy: 0};
const servers: Server[] = [];

test.before(async () => {
  for (const name of ['http', 'https', 'proxy'] as const)
    // oxlint-disable-next-line no-await-in-loop -- three ports that differ.
    at[name] = await freePort();
  const web = scratch(certificate());
  writeFileSync(`${web}/nginx.conf`, nginx(web, at));
  const argv = ['nginx', '-p', web, '-c', `${web}/nginx.conf`];
  servers.push(
    await startServer(argv, web, at.http, {ready: async () => (await accepts(at.http)) && accepts(at.https)}),
  );
  const between = scratch({}, true);
  writeFileSync(`${between}/squid.conf`, squid(between, at.proxy));
  servers.push(
    await startServer(
      ['squid', '-N', '-n', `hactl${at.proxy}`, '-f', `${between}/squid.conf`],
      between,
      at.proxy,
      {nobody: true},
    ),
  );
});
test.after.always(() => Promise.all(servers.map((server) => server.stop())));

const named = {virtualHost: 'www.example.org', request: '/ok', receive: 'Works!$'};
const web = test.macro(async (t, more: object, passed: boolean, reason: RegExp) => {
  for (const service of ['http', 'https'] as const) {
    const spec = checkOf(service, at[service], {...named, ...more});
    // oxlint-disable-next-line no-await-in-loop -- in the clear, then with TLS.
    const result = await probeHttp(spec, AMPLE, systemClock);
    t.is(result.passed, passed, result.reason);
    t.regex(result.reason, reason);
    t.is(result.reason.includes('TLS ok'), service === 'https', result.reason);
  }
});

test('the page matches', web, {}, true, /HTTP 200, body matches \/Works!\$\/$/);
test('redirected by path', web, {request: '/there'}, true, /HTTP 200, body matches/);
test('redirected by a whole URL', web, {request: '/whole'}, true, /HTTP 200, body matches/);
test('redirected without an end', web, {request: '/loop'}, false, /HTTP 302, expected body/);
test('another text', web, {receive: 'works'}, false, /body does not match \/works\/: "It Works!"/);
test('busy', web, {request: '/busy'}, false, /HTTP 503, expected body/);
test('HEAD', web, {httpMethod: 'HEAD', receive: undefined}, true, /HTTP 200$/);
test(
  'HEAD with a text that cannot come',
  web,
  {httpMethod: 'HEAD'},
  false,
  /HTTP 200, but a HEAD has no body to match/,
);
test(
  'HEAD with a pattern that nothing matches too',
  web,
  {httpMethod: 'HEAD', receive: '.*'},
  true,
  /HTTP 200/,
);

test('an exchange that breaks off fails with a reason', async (t) => {
  for (const service of ['http', 'https'] as const)
    // oxlint-disable-next-line no-await-in-loop -- in the clear, then with TLS.
    await failsWhenBroken(t, probeHttp, checkOf(service, at[service], named), service === 'https');
  const proxied = {request: `http://127.0.0.1:${at.http}/plain`, receive: 'through'};
  await failsWhenBroken(t, probeHttp, checkOf('http_proxy', at.proxy, proxied));
});

test('https: SNI and Host are the virtualhost', async (t) => {
  const spec = checkOf('https', at.https, {
    ...named,
    request: '/name',
    receive: '^www.example.org www.example.org$',
  });
  const result = await probeHttp(spec, AMPLE, systemClock);
  t.true(result.passed, result.reason);
});
test('https: a port in virtualhost belongs to Host only', async (t) => {
  const virtualHost = `www.example.org:${at.https}`;
  const receive = '^www.example.org www.example.org$';
  const spec = checkOf('https', at.https, {virtualHost, request: '/name', receive});
  const result = await probeHttp(spec, AMPLE, systemClock);
  t.true(result.passed, result.reason);
});
test('https: without the right SNI the server ends the handshake', async (t) => {
  const result = await probeHttp(checkOf('https', at.https, {request: '/ok'}), AMPLE, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /^connected in \d+ ms, .*TLSV1_UNRECOGNIZED_NAME|unrecognized.name/i);
});
test('https: a port without TLS fails', async (t) => {
  const result = await probeHttp(checkOf('https', at.http, named), AMPLE, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /^connected in \d+ ms, /);
  t.false(result.reason.includes('TLS ok'));
});
test('http: without the Host the server sends another page', async (t) => {
  const result = await probeHttp(checkOf('http', at.http, {request: '/ok'}), AMPLE, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /HTTP 404/);
});

const proxied = test.macro(async (t, more: () => object, passed: boolean, reason: RegExp) => {
  const result = await probeHttp(checkOf('http_proxy', at.proxy, more()), AMPLE, systemClock);
  t.is(result.passed, passed, result.reason);
  t.regex(result.reason, reason);
});
const url = (path: string): string => `http://127.0.0.1:${at.http}${path}`;

test(
  'http_proxy: a page',
  proxied,
  () => ({request: url('/plain'), receive: 'proxy$'}),
  true,
  /HTTP 200, body matches/,
);
test(
  'http_proxy: redirected',
  proxied,
  () => ({request: url('/away'), receive: 'proxy$'}),
  true,
  /HTTP 200, body matches/,
);
test(
  'http_proxy: another text',
  proxied,
  () => ({request: url('/plain'), receive: 'OK'}),
  false,
  /body does not match/,
);
test('http_proxy: no such page', proxied, () => ({request: url('/page')}), false, /HTTP 404$/);
test(
  'http_proxy: nothing behind the proxy',
  proxied,
  () => ({request: 'http://127.0.0.1:9/'}),
  false,
  /HTTP 503$/,
);
test(
  'http_proxy: a path is asked of the proxy itself',
  proxied,
  () => ({request: '/ok'}),
  false,
  /HTTP [45]\d\d$/,
);

for (const service of ['http', 'https', 'http_proxy']) {
  test(`${service}: a silent server fails at the limit`, async (t) => {
    const silent = await silentServer();
    t.teardown(silent.stop);
    const result = await probeHttp(checkOf(service, silent.port), SHORT, systemClock);
    t.false(result.passed);
    t.regex(
      result.reason,
      service === 'https' ? /300 ms \(TLS handshake\)/ : /300 ms \(waiting for the answer\)/,
    );
    await silent.left;
  });
  test(`${service}: a closed port is refused`, async (t) => {
    const result = await probeHttp(checkOf(service, await freePort()), AMPLE, systemClock);
    t.false(result.passed);
    t.regex(result.reason, /refused: nothing listens there/);
  });
}
