/** service=mysql: log in to `database`, run `request`, expect a row. For MariaDB and MySQL, without TLS, as in ldirectord. */
import {readFileSync} from 'node:fs';
import type {Socket} from 'node:net';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {
  columnCount,
  errorText,
  findPacket,
  isError,
  loginPacket,
  MESSAGE_MAX,
  packet,
  proof,
  quitPacket,
  readEnd,
  readGreeting,
  readOk,
  readSwitch,
  rowValues,
  sealed,
  statementPacket,
  type Packet,
} from './mysql-message.ts';
import {makeReader, type Reader} from './reader.ts';
import {judgeRows, MESSAGES_MAX, ROWS_MAX, rowText, sqlCheck, TOTAL_MAX} from './sql.ts';
import {overTcp, type Line} from './tcp-check.ts';

/** Maximum messages of a login: MySQL's longest has five. */
const TURNS_MAX = 8;
/** Messages of caching_sha2_password. */
const [FAST, FULL] = [3, 4];

async function nextPacket(reader: Reader, doing: string): Promise<Packet> {
  const packet = await reader.next(findPacket);
  if (isError(packet.body)) throw new Error(`${doing} failed: ${errorText(packet.body)}`);
  return packet;
}

/**
 * The key for encrypting the password. A key sent by the server proves nothing: anyone answering at its address
 * could send one and then decrypt the password. mysql(1) refuses that too.
 */
function pinnedKey({mysqlKey}: CheckSpec, doing: string): Buffer {
  if (mysqlKey === undefined)
    throw new Error(
      `${doing} failed: the server wants the password itself, which only hactl_mysql_key="/FILE" (its public key) allows without TLS`,
    );
  try {
    return readFileSync(mysqlKey);
  } catch (error) {
    throw new Error(
      `${doing} failed: hactl_mysql_key ${mysqlKey}: ${error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'}`,
      {cause: error},
    );
  }
}

async function logIn(
  line: Line,
  socket: Socket,
  reader: Reader,
  spec: CheckSpec,
  user: string,
): Promise<void> {
  const doing = `login as ${user}`;
  const passwd = spec.passwd ?? '';
  const unknown = (plugin: string): Error =>
    new Error(`${doing} failed: the server wants ${plugin}, which is not supported`);
  const greeting = await nextPacket(reader, doing);
  line.phase('logging in');
  let {salt, plugin} = readGreeting(greeting.body);
  // The account may use another plugin than the server's default: the server then switches.
  const first = proof(plugin, passwd, salt) === undefined ? 'mysql_native_password' : plugin;
  const answer = proof(first, passwd, salt) ?? Buffer.alloc(0);
  socket.write(loginPacket(greeting.sequence + 1, user, answer, first, spec.database));
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    // oxlint-disable-next-line no-await-in-loop -- turns follow one another.
    const {body, sequence} = await nextPacket(reader, doing);
    const reply = (octets: Buffer): boolean => socket.write(packet(sequence + 1, octets));
    if (body[0] === 0) return;
    if (body[0] === 0xfe) {
      ({plugin, salt} = readSwitch(body));
      const buffer = proof(plugin, passwd, salt);
      if (!buffer) throw unknown(plugin);
      if (salt.length < 20) break;
      reply(buffer);
    } else if (body[0] === 1 && body[1] === FULL && body.length === 2)
      reply(sealed(passwd, salt, pinnedKey(spec, doing)));
    else if (body[0] !== 1 || body[1] !== FAST) break;
  }
  throw new Error(`${doing} failed: the answer is not MySQL`);
}

/** Packets up to the next EOF: the columns, or the rows. */
async function untilEnd(reader: Reader, doing: string, each: (body: Buffer) => boolean): Promise<boolean> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- packets follow one another.
    const {body} = await nextPacket(reader, doing);
    const end = readEnd(body);
    if (end) return end.more;
    if (!each(body)) return false;
  }
}

/** The statement's rows as text, ROWS_MAX at most. */
async function rowsOf(reader: Reader): Promise<string[]> {
  const doing = 'login ok, statement';
  const rows: string[] = [];
  for (let more = true; more && rows.length < ROWS_MAX;) {
    // oxlint-disable-next-line no-await-in-loop -- results follow one another.
    const {body} = await nextPacket(reader, doing);
    const ok = readOk(body);
    if (ok) {
      more = ok.more;
      continue;
    }
    if (body[0] === 0xfb) throw new Error(`${doing} failed: the server wants a file of the director`);
    let columns = columnCount(body);
    // oxlint-disable-next-line no-await-in-loop -- first the columns,
    await untilEnd(reader, doing, () => (columns -= 1) >= 0);
    // oxlint-disable-next-line no-await-in-loop -- then the rows.
    more = await untilEnd(reader, doing, (row) => rows.push(rowText(rowValues(row))) < ROWS_MAX);
  }
  return rows;
}

export async function probeMysql(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const check = sqlCheck(spec);
  if (typeof check === 'string') return {passed: false, reason: check, took: 0};
  return overTcp(spec, limit, clock, async (line) => {
    const socket = await line.connect();
    line.phase('waiting for the greeting');
    const reader = makeReader(
      socket,
      {message: 2 * MESSAGE_MAX, total: TOTAL_MAX, messages: MESSAGES_MAX},
      line.meter,
    );
    await logIn(line, socket, reader, spec, check.user);
    line.phase('waiting for the rows');
    socket.write(statementPacket(check.statement));
    const rows = await rowsOf(reader);
    const goodbye = new Promise((resolve) => void socket.end(quitPacket(), () => resolve(undefined)));
    return {...judgeRows(rows, spec.receive), goodbye};
  });
}
