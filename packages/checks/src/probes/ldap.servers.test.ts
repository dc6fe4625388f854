/** service=ldap and ldaps against OpenLDAP's slapd. */
import {writeFileSync} from 'node:fs';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import {probeLdap} from './ldap.ts';
import {
  AMPLE,
  certificate,
  prepare,
  scratch,
  SHORT,
  silentServer,
  startServer,
  type Server,
} from './real-server.ts';
import {accepts, checkOf, freePort} from './testing.ts';

const config = (folder: string): string => `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/pid
TLSCertificateFile ${folder}/cert.pem
TLSCertificateKeyFile ${folder}/key.pem
database mdb
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw "se cret"
directory ${folder}
maxsize 1048576
access to dn.base="cn=hidden,dc=example,dc=org" by * none
access to * by anonymous read by * read
`;
const entries = `dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=monitor,dc=example,dc=org
objectClass: organizationalRole
cn: monitor

dn: cn=hidden,dc=example,dc=org
objectClass: organizationalRole
cn: hidden
`;

let server: Server;
const ports = {ldap: 0, ldaps: 0};

test.before(async () => {
  const folder = scratch({...certificate(), 'entries.ldif': entries});
  writeFileSync(`${folder}/slapd.conf`, config(folder));
  prepare(['slapadd', '-f', `${folder}/slapd.conf`, '-l', `${folder}/entries.ldif`], folder);
  ports.ldap = await freePort();
  ports.ldaps = await freePort();
  const urls = `ldap://127.0.0.1:${ports.ldap} ldaps://127.0.0.1:${ports.ldaps}`;
  server = await startServer(
    ['slapd', '-f', `${folder}/slapd.conf`, '-h', urls, '-d', '0'],
    folder,
    ports.ldap,
    {ready: async () => (await accepts(ports.ldap)) && accepts(ports.ldaps)},
  );
});
test.after.always(() => server?.stop());

const good = {
  login: 'cn=admin,dc=example,dc=org',
  passwd: 'se cret',
  request: 'cn=monitor,dc=example,dc=org',
};
const ldap = test.macro(async (t, more: object, passed: boolean, reason: RegExp) => {
  for (const service of ['ldap', 'ldaps'] as const) {
    const spec = checkOf(service, ports[service], {...good, ...more});
    // oxlint-disable-next-line no-await-in-loop -- in the clear, then with TLS.
    const result = await probeLdap(spec, AMPLE, systemClock);
    t.is(result.passed, passed, result.reason);
    t.regex(result.reason, reason);
    t.is(service === 'ldaps', result.reason.includes('TLS ok'), result.reason);
  }
});
const anonymous = {login: undefined, passwd: undefined};

test('an entry', ldap, {}, true, /found cn=monitor,dc=example,dc=org$/);
test('anonymous, the root DSE', ldap, {...anonymous, request: '/'}, true, /found the root DSE$/);
test('a slash before the DN', ldap, {...anonymous, request: '/dc=example,dc=org'}, true, /found dc=example/);
test('a login without a password is anonymous', ldap, {passwd: undefined}, true, /found/);
test('the DN matches', ldap, {receive: '^cn=monitor,'}, true, /DN matches/);
test(
  'the DN does not match',
  ldap,
  {receive: '^ou='},
  false,
  /DN "cn=monitor,dc=example,dc=org" does not match/,
);
test(
  'wrong password',
  ldap,
  {passwd: 'other'},
  false,
  /bind as cn=admin,dc=example,dc=org failed: invalid credentials \(49\)/,
);
test(
  'no such entry',
  ldap,
  {request: 'cn=nobody,dc=example,dc=org'},
  false,
  /bind ok, search of cn=nobody,\S+ failed: no such object \(32\)/,
);
test(
  'no right to see it',
  ldap,
  {...anonymous, request: 'cn=hidden,dc=example,dc=org'},
  false,
  /bind ok, search of .*no such object/,
);
test(
  'not a DN',
  ldap,
  {request: 'index.html'},
  false,
  /bind ok, search of index.html failed: invalid dn syntax/i,
);

test('an exchange that breaks off fails with a reason', async (t) => {
  for (const service of ['ldap', 'ldaps'] as const)
    // oxlint-disable-next-line no-await-in-loop -- in the clear, then with TLS.
    await failsWhenBroken(t, probeLdap, checkOf(service, ports[service], good), service === 'ldaps');
});

for (const service of ['ldap', 'ldaps']) {
  test(`${service}: a silent server fails at the limit`, async (t) => {
    const silent = await silentServer();
    t.teardown(silent.stop);
    const result = await probeLdap(checkOf(service, silent.port, good), SHORT, systemClock);
    t.false(result.passed);
    t.regex(
      result.reason,
      service === 'ldap' ? /within 300 ms \(waiting for the bind\)/ : /300 ms \(TLS handshake\)/,
    );
    await silent.left;
  });
  test(`${service}: a closed port is refused`, async (t) => {
    const result = await probeLdap(checkOf(service, await freePort(), good), AMPLE, systemClock);
    t.false(result.passed);
    t.regex(result.reason, /refused: nothing listens there/);
  });
}

test('ldaps fails on a port without TLS', async (t) => {
  const result = await probeLdap(checkOf('ldaps', ports.ldap, good), AMPLE, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /^connected in \d+ ms, (TLS handshake failed|.*closed the connection|.*reset)/);
});
