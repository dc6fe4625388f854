/**
 * service=pgsql: log in to `database` (else the one named as the user), run `request`, see a row. TLS where the server
 * offers it, any certificate: libpq's sslmode=prefer, which ldirectord has.
 */
import net from 'node:net';
import type Pg from 'pg';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {judgeRows, ROWS_MAX, rowText, sqlCheck, type SqlCheck} from './sql.ts';
import {overTcp, type Finding, type Line} from './tcp-check.ts';

/** The client's words for a server without TLS. */
const NO_TLS = 'The server does not support SSL connections';

function ask(pg: typeof Pg, line: Line, spec: CheckSpec, check: SqlCheck, secure: boolean): Promise<Finding> {
  return new Promise((resolve, reject) => {
    let loggedIn = false;
    const client = new pg.Client({
      host: spec.address,
      port: spec.port,
      user: check.user,
      password: spec.passwd ?? '',
      database: spec.database ?? check.user,
      application_name: 'hactl',
      ssl: secure ? {rejectUnauthorized: false} : false,
      stream: () => line.track(new net.Socket()),
    });
    const failed = (error: Error): void => {
      const what = loggedIn ? 'login ok, statement failed' : `login as ${check.user} failed`;
      reject('syscall' in error || error.message === NO_TLS ? error : new Error(`${what}: ${error.message}`));
    };
    client.on('error', failed);
    line.phase('logging in');
    client.connect((error?: Error | null) => {
      if (error) return failed(error);
      loggedIn = true;
      line.phase('waiting for the rows');
      const rows: string[] = [];
      const asked = {
        text: check.statement,
        rowMode: 'array',
        types: {getTypeParser: () => (text: string) => text},
      };
      const query = client.query(new pg.Query(asked));
      query.on('error', failed);
      query.on('row', (row: unknown) => {
        if (Array.isArray(row) && rows.length < ROWS_MAX) rows.push(rowText(row));
        if (rows.length === ROWS_MAX) resolve(judgeRows(rows, spec.receive));
      });
      query.on('end', () => resolve({...judgeRows(rows, spec.receive), goodbye: client.end()}));
    });
  });
}

export async function probePgsql(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const check = sqlCheck(spec);
  if (typeof check === 'string') return {passed: false, reason: check, took: 0};
  // Loaded by the first check that needs it, and not at the expense of its limit.
  const {default: pg} = await import('pg');
  return overTcp(spec, limit, clock, async (line) => {
    try {
      return await ask(pg, line, spec, check, true);
    } catch (error) {
      if (!(error instanceof Error) || error.message !== NO_TLS) throw error;
      return ask(pg, line, spec, check, false);
    }
  });
}
