/** service=mysql against MariaDB. */
import {systemClock} from '@hactl/base';
import test from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import {probeMysql} from './mysql.ts';
import {AMPLE, prepare, scratch, SHORT, silentServer, startServer, type Server} from './real-server.ts';
import {checkOf, freePort} from './testing.ts';

const users = `SET NAMES utf8mb4;
CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE TABLE shop.director_slave (name VARCHAR(20), enabled INT, seen DATETIME);
INSERT INTO shop.director_slave VALUES ('db1', 1, '2026-11-21 07:00:00'), ('ΔB2', NULL, NULL);
CREATE USER 'monitoring'@'%' IDENTIFIED BY 'se cret';
GRANT SELECT ON shop.* TO 'monitoring'@'%';
`;
let server: Server;

test.before(async () => {
  const folder = scratch({'init.sql': users});
  const serverOptions = ['--no-defaults', '--user=root', `--datadir=${folder}/data`];
  prepare(
    ['mariadb-install-db', ...serverOptions, '--auth-root-authentication-method=normal', '--skip-test-db'],
    folder,
  );
  const port = await freePort();
  server = await startServer(
    [
      'mariadbd',
      ...serverOptions,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${folder}/socket`,
      `--pid-file=${folder}/pid`,
      `--init-file=${folder}/init.sql`,
      '--innodb-buffer-pool-size=8M',
      '--innodb-flush-log-at-trx-commit=0',
    ],
    folder,
    port,
  );
});
test.after.always(() => server?.stop());

const good = {
  login: 'monitoring',
  passwd: 'se cret',
  database: 'shop',
  request: 'SELECT * FROM director_slave WHERE enabled=1',
};
const mysql = test.macro(async (t, more: object, passed: boolean, reason: RegExp) => {
  const result = await probeMysql(checkOf('mysql', server.port, {...good, ...more}), AMPLE, systemClock);
  t.is(result.passed, passed, result.reason);
  t.regex(result.reason, reason);
});

test('a row', mysql, {}, true, /^connected in \d+ ms, login ok, 1 row\(s\)$/);
test('a row that matches', mysql, {receive: '^db1\t1\t2026-11-21 07:00:00$'}, true, /matches/);
test(
  'letters beyond ASCII, NULL',
  mysql,
  {request: 'SELECT * FROM director_slave', receive: 'ΔB2\tNULL'},
  true,
  /2 row/,
);
test('no row matches', mysql, {receive: '^db9'}, false, /1 row\(s\), none matches \/\^db9\/: "db1\\t1/);
test('no row', mysql, {request: 'SELECT * FROM director_slave WHERE enabled=9'}, false, /gives no row/);
test(
  'many rows are not all kept',
  mysql,
  {request: 'SELECT seq FROM seq_1_to_100000'},
  true,
  /1000 or more rows/,
);
test(
  'wrong password',
  mysql,
  {passwd: 'other'},
  false,
  /login as monitoring failed: Access denied for user 'monitoring'/,
);
test('no such database', mysql, {database: 'nowhere'}, false, /login as monitoring failed: .*nowhere/);
test(
  'wrong statement',
  mysql,
  {request: 'SELECT * FROM nowhere'},
  false,
  /login ok, statement failed: .*nowhere/,
);
test('no login', mysql, {login: undefined}, false, /needs a login=/);
test('no statement', mysql, {request: '/'}, false, /needs a statement in request=/);
test('a slow statement fails at the limit', async (t) => {
  const spec = checkOf('mysql', server.port, {...good, request: 'SELECT SLEEP(600)'});
  const result = await probeMysql(spec, 4_000, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /^connected in \d+ ms, no answer within 4000 ms \(waiting for the rows\)/);
});

test('an exchange that breaks off fails with a reason', (t) =>
  failsWhenBroken(t, probeMysql, checkOf('mysql', server.port, good)));

test('a silent server fails at the limit', async (t) => {
  const silent = await silentServer();
  t.teardown(silent.stop);
  const result = await probeMysql(checkOf('mysql', silent.port, good), SHORT, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /no answer within 300 ms \(waiting for the greeting\)/);
  await silent.left;
});

test('nothing listens', async (t) => {
  const result = await probeMysql(checkOf('mysql', await freePort(), good), AMPLE, systemClock);
  t.false(result.passed);
  t.regex(result.reason, /refused: nothing listens there/);
});

test.serial('the server counts no client that broke off', async (t) => {
  const request = "SHOW GLOBAL STATUS LIKE 'Aborted_clients'";
  for (let round = 0; round < 4; round += 1) {
    const spec = checkOf('mysql', server.port, {...good, request, receive: '\t0$'});
    // oxlint-disable-next-line no-await-in-loop -- each check sees what the previous one left behind.
    const result = await probeMysql(spec, AMPLE, systemClock);
    t.true(result.passed, result.reason);
  }
});
