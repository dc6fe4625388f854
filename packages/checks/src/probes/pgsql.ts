/**
 * service=pgsql: log in to `database` (by default named like the user), run `request`, expect a row. TLS if the server
 * offers it, with any certificate: libpq's sslmode=prefer, as in ldirectord.
 */
import {pbkdf2, randomBytes} from 'node:crypto';
import type {Socket} from 'node:net';
import {promisify} from 'node:util';
import type {Clock, Millis} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import type {ProbeResult} from '../verdict.ts';
import {
  errorText,
  findFrame,
  md5Password,
  MESSAGE_MAX,
  passwordMessage,
  readChallenge,
  readDemand,
  rowValues,
  saslInitial,
  saslResponse,
  scramFirst,
  scramLast,
  simpleQuery,
  startup,
  terminate,
  tlsRequest,
  type Demand,
  type Frame,
} from './pgsql-message.ts';
import type {Meter} from './meter.ts';
import {makeReader, type Reader} from './reader.ts';
import {judgeRows, MESSAGES_MAX, ROWS_MAX, rowText, sqlCheck, TOTAL_MAX} from './sql.ts';
import {overTcp, type Line} from './tcp-check.ts';

const stretch = promisify(pbkdf2);

/** The connection after the TLS negotiation. */
async function open(line: Line): Promise<Socket> {
  const socket = await line.connect();
  line.phase('asking for TLS');
  socket.write(tlsRequest());
  const chunk = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  socket.pause();
  const [first] = chunk.toString('latin1');
  // Octets after the S may have been injected before TLS protects the session.
  if (first === 'S' && chunk.length === 1) return line.secure(socket);
  if (first === 'N') socket.unshift(chunk.subarray(1));
  else if (first === 'E') socket.unshift(chunk);
  else throw new Error(`the answer is not PostgreSQL: ${JSON.stringify(chunk.toString('latin1', 0, 40))}`);
  return socket;
}

/** CPU time of a round of SCRAM, in ms. PostgreSQL's default is 4,096 of them. */
const ROUND = 0.000_15;

/** SCRAM's two rounds, after the server's first request. */
async function scram(
  socket: Socket,
  demand: () => Promise<Demand>,
  passwd: string,
  meter: Meter,
): Promise<void> {
  const nonce = randomBytes(18).toString('base64');
  const first = scramFirst(nonce);
  socket.write(saslInitial(first));
  const asked = await demand();
  const challenge = asked.kind === 'scram-challenge' ? readChallenge(asked.text, nonce) : undefined;
  if (!challenge || asked.kind !== 'scram-challenge') throw new Error('no usable SCRAM challenge');
  meter.charge(challenge.rounds * ROUND);
  const salted = await stretch(passwd.normalize('NFKC'), challenge.salt, challenge.rounds, 32, 'sha256');
  const {last, verifier} = scramLast(salted, first, asked.text, challenge.nonce);
  socket.write(saslResponse(last));
  const final = await demand();
  if (final.kind !== 'scram-final' || final.text !== verifier)
    throw new Error('the server does not know the password itself');
}

/** The next relevant message; errors are thrown with the current step. */
async function nextFrame(reader: Reader, doing: string): Promise<Frame> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- messages follow one another.
    const frame = await reader.next(findFrame);
    if (frame.type === 'E') throw new Error(`${doing} failed: ${errorText(frame.body)}`);
    // Notices, settings, notifications and the cancel key are irrelevant to a check.
    if (!'NSAK'.includes(frame.type)) return frame;
  }
}

async function logIn(
  socket: Socket,
  reader: Reader,
  user: string,
  passwd: string,
  meter: Meter,
): Promise<void> {
  const doing = `login as ${user}`;
  const demand = async (): Promise<Demand> => {
    const {type, body} = await nextFrame(reader, doing);
    if (type !== 'R') throw new Error(`${doing} failed: answered with message ${type}`);
    return readDemand(body);
  };
  const wanted = await demand();
  if (wanted.kind === 'none') return;
  if (wanted.kind === 'password') socket.write(passwordMessage(passwd));
  else if (wanted.kind === 'md5') socket.write(passwordMessage(md5Password(user, passwd, wanted.salt)));
  else if (wanted.kind === 'scram') await scram(socket, demand, passwd, meter);
  else throw new Error(`${doing} failed: the server wants ${'name' in wanted ? wanted.name : wanted.kind}`);
  if ((await demand()).kind !== 'none') throw new Error(`${doing} failed: asked for a password twice`);
}

export async function probePgsql(spec: CheckSpec, limit: Millis, clock: Clock): Promise<ProbeResult> {
  const check = sqlCheck(spec);
  if (typeof check === 'string') return {passed: false, reason: check, took: 0};
  return overTcp(spec, limit, clock, async (line) => {
    const socket = await open(line);
    const reader = makeReader(
      socket,
      {message: 2 * MESSAGE_MAX, total: TOTAL_MAX, messages: MESSAGES_MAX},
      line.meter,
    );
    line.phase('logging in');
    socket.write(startup(check.user, spec.database ?? check.user));
    await logIn(socket, reader, check.user, spec.passwd ?? '', line.meter);
    while ((await nextFrame(reader, `login as ${check.user}`)).type !== 'Z');

    line.phase('waiting for the rows');
    socket.write(simpleQuery(check.statement));
    const rows: string[] = [];
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- messages follow one another.
      const {type, body} = await nextFrame(reader, 'login ok, statement');
      if (type === 'D') rows.push(rowText(rowValues(body)));
      if (type === 'G' || type === 'H' || type === 'W')
        return {passed: false, reason: 'login ok, but the statement is a COPY'};
      if (type === 'Z' || rows.length === ROWS_MAX) break;
    }
    const goodbye = new Promise((resolve) => void socket.end(terminate(), () => resolve(undefined)));
    return {...judgeRows(rows, spec.receive), goodbye};
  });
}
