/** service=pgsql against PostgreSQL, with and without TLS. */
import {rmSync} from 'node:fs';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import {probePgsql} from './pgsql.ts';
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
import {checkOf, freePort} from './testing.ts';

/** A blank line ends a statement in single-user mode. */
const setUp = `CREATE ROLE monitoring LOGIN PASSWORD 'se cret';

CREATE ROLE trusted LOGIN;

CREATE ROLE clear LOGIN PASSWORD 'se cret';

SET password_encryption = 'md5';

CREATE ROLE old LOGIN PASSWORD 'se cret';

CREATE DATABASE shop OWNER monitoring;

`;
const table = `CREATE TABLE director_slave (name TEXT, enabled INT, seen DATE);

INSERT INTO director_slave VALUES ('db1', 1, '2026-11-21'), ('ΔB2', NULL, NULL);

GRANT SELECT ON director_slave TO PUBLIC;

`;

const logins = [
  ['trusted', 'trust'],
  ['clear', 'password'],
  ['old', 'md5'],
  ['locked', 'reject'],
  ['all', 'scram-sha-256'],
];

/** A folder with a database in `data`. */
function makeDatabase(): string {
  const folder = scratch({password: 'admin', 'set-up.sql': setUp, 'table.sql': table}, true);
  const data = `${folder}/data`;
  prepare(
    [
      'initdb',
      '-D',
      data,
      '-U',
      'admin',
      '-A',
      'scram-sha-256',
      '--pwfile',
      `${folder}/password`,
      '-E',
      'UTF8',
      '--no-locale',
      '-N',
    ],
    folder,
    true,
  );
  const single = (database: string, file: string): void =>
    prepare(['postgres', '--single', '-j', '-D', data, '-c', 'fsync=off', database], folder, true, file);
  single('postgres', 'set-up.sql');
  single('shop', 'table.sql');
  return folder;
}

async function startPostgres(template: string, tls: boolean): Promise<Server> {
  const own = tls ? certificate() : {};
  const folder = scratch(
    {
      ...own,
      'pg_hba.conf': logins
        .map(([user, method]) => `${tls ? 'hostssl' : 'host'} all ${user} 127.0.0.1/32 ${method}\n`)
        .join(''),
    },
    true,
  );
  const data = `${folder}/data`;
  prepare(['cp', '-a', template, data], folder, true);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: '30',
    shared_buffers: '16MB',
    // Else a killed server leaves files in /dev/shm.
    dynamic_shared_memory_type: 'mmap',
    hba_file: `${folder}/pg_hba.conf`,
    ...(tls ? {ssl: 'on', ssl_cert_file: `${folder}/cert.pem`, ssl_key_file: `${folder}/key.pem`} : {}),
  };
  const words = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const ready = (log: string): boolean => log.includes('ready to accept connections');
  return startServer(['postgres', '-D', data, ...words], folder, port, {ready, nobody: true, end: 'SIGINT'});
}

let [plain, secure]: Server[] = [];
test.before(async () => {
  // Created once: it is slow on an emulated machine.
  const folder = makeDatabase();
  plain = await startPostgres(`${folder}/data`, false);
  secure = await startPostgres(`${folder}/data`, true);
  rmSync(folder, {recursive: true});
});
test.after.always(() => Promise.all([plain?.stop(), secure?.stop()]));

const good = {
  login: 'monitoring',
  passwd: 'se cret',
  database: 'shop',
  request: 'SELECT * FROM director_slave WHERE enabled=1',
};
const pgsql = test.macro(async (t, more: object, passed: boolean, reason: RegExp) => {
  for (const server of [plain, secure]) {
    const spec = checkOf('pgsql', server?.port ?? 0, {...good, ...more});
    // oxlint-disable-next-line no-await-in-loop -- one server, then the other.
    const result = await probePgsql(spec, AMPLE, systemClock);
    t.is(result.passed, passed, result.reason);
    t.regex(result.reason, reason);
    t.is(result.reason.includes('TLS ok'), server === secure, result.reason);
  }
});

test('a row', pgsql, {}, true, /^connected in \d+ ms, (TLS ok, )?login ok, 1 row\(s\)$/);
test('a row that matches', pgsql, {receive: '^db1\t1\t2026-11-21$'}, true, /matches/);
test(
  'letters beyond ASCII, NULL',
  pgsql,
  {request: 'SELECT * FROM director_slave', receive: 'ΔB2\tNULL'},
  true,
  /2 row/,
);
test('no row matches', pgsql, {receive: '^db9'}, false, /1 row\(s\), none matches \/\^db9\/: "db1\\t1/);
test('no row', pgsql, {request: 'SELECT * FROM director_slave WHERE enabled=9'}, false, /gives no row/);
test(
  'many rows are not all kept',
  pgsql,
  {request: 'SELECT generate_series(1,100000)'},
  true,
  /1000 or more rows/,
);
test(
  'wrong password',
  pgsql,
  {passwd: 'other'},
  false,
  /login as monitoring failed: password authentication failed/,
);
test('a password in the clear', pgsql, {login: 'clear'}, true, /login ok/);
test(
  'a wrong password in the clear',
  pgsql,
  {login: 'clear', passwd: 'other'},
  false,
  /login as clear failed: password/,
);
test('a password as MD5', pgsql, {login: 'old'}, true, /login ok/);
test(
  'a wrong password as MD5',
  pgsql,
  {login: 'old', passwd: 'other'},
  false,
  /login as old failed: password/,
);
test('no password wanted', pgsql, {login: 'trusted', passwd: undefined}, true, /login ok/);
test(
  'not allowed',
  pgsql,
  {login: 'locked'},
  false,
  /login as locked failed: pg_hba.conf rejects .*\(28000\)/,
);
test('two statements', pgsql, {request: 'SET x.y=1; SELECT 7', receive: '^7$'}, true, /1 row/);
test('a COPY', pgsql, {request: 'COPY director_slave TO STDOUT'}, false, /the statement is a COPY/);
test('no such database', pgsql, {database: 'nowhere'}, false, /login as monitoring failed: .*nowhere/);
test(
  'wrong statement',
  pgsql,
  {request: 'SELECT * FROM nowhere'},
  false,
  /login ok, statement failed: .*nowhere/,
);
test('a slow statement fails at the limit', async (t) => {
  const spec = checkOf('pgsql', secure?.port ?? 0, {...good, request: 'SELECT pg_sleep(600)'});
  const result = await probePgsql(spec, 4_000, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /^connected in \d+ ms, TLS ok, no answer within 4000 ms \(waiting for the rows\)/);
});

test('an exchange that breaks off fails with a reason', async (t) => {
  for (const server of [plain, secure])
    // oxlint-disable-next-line no-await-in-loop -- one server, then the other.
    await failsWhenBroken(t, probePgsql, checkOf('pgsql', server?.port ?? 0, good));
});

test('a silent server fails at the limit', async (t) => {
  const silent = await silentServer();
  t.teardown(silent.stop);
  const result = await probePgsql(checkOf('pgsql', silent.port, good), SHORT, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /no answer within 300 ms \(asking for TLS\)/);
  await silent.left;
});

test('nothing listens', async (t) => {
  const result = await probePgsql(checkOf('pgsql', await freePort(), good), AMPLE, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /refused: nothing listens there/);
});
