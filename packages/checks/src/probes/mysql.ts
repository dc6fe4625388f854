/** service=mysql: log in to `database`, run `request`, see a row. Speaks with MariaDB and MySQL, old and new logins. */
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {judgeRows, ROWS_MAX, rowText, sqlCheck} from './sql.ts';
import {overTcp, type Finding} from './tcp-check.ts';

export async function probeMysql(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const check = sqlCheck(spec);
  if (typeof check === 'string') return {passed: false, reason: check, took: 0};
  // Loaded by the first check that needs it, and not at the expense of its limit.
  const {default: mysql} = await import('mysql2');
  return overTcp(spec, limit, clock, async (line) => {
    const socket = await line.connect();
    return new Promise<Finding>((resolve, reject) => {
      line.phase('waiting for the greeting');
      let loggedIn = false;
      const connection = mysql.createConnection({
        stream: socket,
        user: check.user,
        password: spec.passwd ?? '',
        ...(spec.database === undefined ? {} : {database: spec.database}),
        connectTimeout: 0,
        rowsAsArray: true,
        typeCast: (field) => field.string(),
      });
      const failed = (error: Error): void => {
        const what = loggedIn ? 'login ok, statement failed' : `login as ${check.user} failed`;
        reject('syscall' in error ? error : new Error(`${what}: ${error.message}`));
      };
      socket.once('data', () => line.phase('logging in'));
      connection.on('error', failed);
      connection.once('connect', () => {
        loggedIn = true;
        line.phase('waiting for the rows');
        const rows: string[] = [];
        const query = connection.query(check.statement);
        query.on('error', failed);
        query.on('result', (row: unknown) => {
          if (Array.isArray(row)) rows.push(rowText(row));
          if (rows.length === ROWS_MAX) resolve(judgeRows(rows, spec.receive));
        });
        query.on('end', () =>
          resolve({
            ...judgeRows(rows, spec.receive),
            goodbye: new Promise<void>((left) => connection.end(() => left())),
          }),
        );
      });
    });
  });
}
