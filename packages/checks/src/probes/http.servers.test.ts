/** http and https against Debian's nginx. */
import {writeFileSync} from 'node:fs';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {certificate, checkOf, folder, freePort, startServer} from './testing.ts';
import {probeHttp} from './http.ts';

test('nginx, plain and with TLS', async (t) => {
  const home = folder(t);
  const {cert, key} = certificate(home);
  const [plain, secure] = [await freePort(), await freePort()];
  writeFileSync(`${home}/index.html`, 'It Works\n');
  writeFileSync(
    `${home}/nginx.conf`,
    `daemon off; pid ${home}/pid; error_log stderr; events {}
http { access_log off; client_body_temp_path ${home}/body; root ${home};
  server { listen 127.0.0.1:${plain}; location /away { return 302 /; } location /ill { return 503; } }
  server { listen 127.0.0.1:${secure} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; } }`,
  );
  await startServer(t, {argv: ['nginx', '-c', `${home}/nginx.conf`], port: secure});
  const ask = async (service: string, port: number, request: string, receive = 'It Works') =>
    probeHttp(checkOf(service, port, {request, receive}), 10_000, systemClock);
  for (const [service, port] of [
    ['http', plain],
    ['https', secure],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one after another, so that the reasons stay apart.
    const well = await ask(service, port, '/');
    t.true(well.passed, well.reason);
    // oxlint-disable-next-line no-await-in-loop -- as above.
    const other = await ask(service, port, '/', 'Elsewhere');
    t.false(other.passed);
    t.regex(other.reason, /HTTP 200, body does not match \/Elsewhere\//);
  }
  t.true((await ask('http', plain, '/away')).passed);
  t.regex((await ask('http', plain, '/ill')).reason, /HTTP 503/);
  const crossed = await ask('http', secure, '/');
  t.false(crossed.passed, 'plain HTTP to the TLS port');
});
