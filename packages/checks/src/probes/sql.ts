/** Shared by service=mysql and pgsql: login and request are required; expects a row, matching `receive` if set. Pure. */
import type {CheckSpec} from '../messages.ts';
import {firstMatch} from './first-match.ts';
import type {Finding} from './tcp-check.ts';

/** Maximum rows read: a check's statement returns few. */
export const ROWS_MAX = 1000;

/** Maximum octets and messages of one conversation: the columns' descriptions and the rows. */
export const TOTAL_MAX = 1 << 20;
export const MESSAGES_MAX = 8_192;

export interface SqlCheck {
  readonly user: string;
  readonly statement: string;
}

/** Login and statement, or a message about the missing one. */
export function sqlCheck(spec: CheckSpec): SqlCheck | string {
  const statement = (spec.request ?? '').replace(/^\//, '').trim();
  if (!spec.login) return `service ${spec.service} needs a login=`;
  return statement === ''
    ? `service ${spec.service} needs a statement in request=`
    : {user: spec.login, statement};
}

/** A row as one text, columns separated by tabs. */
export const rowText = (values: readonly (string | null)[]): string =>
  values.map((value) => value ?? 'NULL').join('\t');

/** The finding for the rows read so far (ROWS_MAX at most). Unlike ldirectord, this checks `receive`. */
export function judgeRows(rows: readonly string[], receive?: string): Finding {
  const many = rows.length >= ROWS_MAX ? `${ROWS_MAX} or more rows` : `${rows.length} row(s)`;
  if (rows.length === 0) return {passed: false, reason: 'login ok, but the statement gives no row'};
  if (receive === undefined) return {passed: true, reason: `login ok, ${many}`};
  const found = firstMatch(rows, receive) !== undefined;
  return found
    ? {passed: true, reason: `login ok, ${many}, matches /${receive}/`}
    : {
        passed: false,
        reason: `login ok, ${many}, none matches /${receive}/: ${JSON.stringify((rows[0] ?? '').slice(0, 60))}`,
      };
}
