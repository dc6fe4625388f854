/**
 * The part of PostgreSQL's protocol 3.0 that a check needs: SSLRequest, login, one statement. Implemented here because a reader must
 * not be held up or fed without end by a broken server. Pure.
 */
import {createHash, createHmac} from 'node:crypto';
import type {Found, Needs} from './reader.ts';

const PROTOCOL = 3 << 16;
const TLS_REQUEST = 80_877_103;
/**
 * More rounds than this are an attack on the director, not a password check (PostgreSQL's default is 4096): they take 0.1 s
 * of a thread that all checks share.
 */
const ROUNDS_MAX = 200_000;

/** Maximum octets of a row. */
export const MESSAGE_MAX = 1 << 18;

export interface Frame {
  readonly type: string;
  readonly body: Buffer;
}

/** One message with its length; the first of a session has no type. */
function frame(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const number = (value: number): Buffer => {
  const octets = Buffer.alloc(4);
  octets.writeInt32BE(value);
  return octets;
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`);

export const tlsRequest = (): Buffer => frame('', number(TLS_REQUEST));

export function startup(user: string, database: string): Buffer {
  const settings = {user, database, application_name: 'hactl', client_encoding: 'UTF8'};
  return frame('', number(PROTOCOL), ...Object.entries(settings).flat().map(text), Buffer.of(0));
}

export const passwordMessage = (value: string): Buffer => frame('p', text(value));
export const simpleQuery = (statement: string): Buffer => frame('Q', text(statement));
export const terminate = (): Buffer => frame('X');

/** The first message; throws when it is not PostgreSQL's. */
export function findFrame(octets: Buffer): Found<Frame> | Needs {
  if (octets.length < 5) return {needs: 5};
  const length = octets.readInt32BE(1);
  const type = octets.toString('latin1', 0, 1);
  if (length < 4 || length > MESSAGE_MAX || !/[A-Za-z0-9]/.test(type))
    throw new Error(`the answer is not PostgreSQL, or one message of ${length} octets`);
  const used = 1 + length;
  return octets.length < used ? {needs: used} : {value: {type, body: octets.subarray(5, used)}, used};
}

/** Texts up to the NUL that ends each of them. */
const texts = (octets: Buffer): string[] => octets.toString().split('\0');

/** ErrorResponse: the message and the SQLSTATE. */
export function errorText(body: Buffer): string {
  const fields = texts(body);
  const field = (letter: string): string => fields.find((field) => field.startsWith(letter))?.slice(1) ?? '';
  return `${field('M').slice(0, 120)} (${field('C')})`;
}

/** A result has at most 1664 columns. */
const COLUMNS_MAX = 1_664;

/** DataRow: its columns as text; throws when its lengths are wrong. */
export function rowValues(body: Buffer): (string | null)[] {
  const values: (string | null)[] = [];
  try {
    let at = 2;
    if (body.readUInt16BE(0) > COLUMNS_MAX) throw new RangeError('more columns than there can be');
    for (let left = body.readUInt16BE(0); left > 0; left -= 1) {
      const length = body.readInt32BE(at);
      at += 4;
      if (length > body.length - at) throw new RangeError('beyond the end');
      values.push(length < 0 ? null : body.toString('utf8', at, at + length));
      at += Math.max(0, length);
    }
  } catch {
    throw new Error('the answer is not PostgreSQL: a row with a wrong length');
  }
  return values;
}

/** The login method that the server asks for. */
export type Demand =
  | {readonly kind: 'none' | 'password'}
  | {readonly kind: 'md5'; readonly salt: Buffer}
  | {readonly kind: 'scram'}
  | {readonly kind: 'scram-challenge' | 'scram-final'; readonly text: string}
  | {readonly kind: 'unknown'; readonly name: string};

export function readDemand(body: Buffer): Demand {
  const code = body.length < 4 ? -1 : body.readInt32BE(0);
  const rest = body.subarray(4);
  switch (code) {
    case 0:
      return {kind: 'none'};
    case 3:
      return {kind: 'password'};
    case 5:
      return {kind: 'md5', salt: rest};
    case 10: {
      const names = texts(rest).filter((name) => name !== '');
      return names.includes('SCRAM-SHA-256') ? {kind: 'scram'} : {kind: 'unknown', name: names.join(', ')};
    }
    case 11:
      return {kind: 'scram-challenge', text: rest.toString()};
    case 12:
      return {kind: 'scram-final', text: rest.toString()};
    default:
      return {
        kind: 'unknown',
        name: ({2: 'Kerberos', 7: 'GSSAPI', 9: 'SSPI'} as const)[code as 2] ?? `${code}`,
      };
  }
}

/** The password as sent by an `md5` login. */
export function md5Password(user: string, passwd: string, salt: Buffer): string {
  const md5 = (...parts: (string | Buffer)[]): string => {
    const hash = createHash('md5');
    for (const part of parts) hash.update(part);
    return hash.digest('hex');
  };
  return `md5${md5(md5(passwd, user), salt)}`;
}

/** SCRAM (RFC 5802, 7677): the server takes the user from the startup message, so the name is empty here. */
export const scramFirst = (nonce: string): string => `n=,r=${nonce}`;

export function saslInitial(first: string): Buffer {
  const octets = Buffer.from(`n,,${first}`);
  return frame('p', text('SCRAM-SHA-256'), number(octets.length), octets);
}

export const saslResponse = (value: string): Buffer => frame('p', Buffer.from(value));

export interface Challenge {
  readonly nonce: string;
  readonly salt: Buffer;
  readonly rounds: number;
}

/** The server's first message; undefined when it does not answer ours. */
export function readChallenge(text: string, nonce: string): Challenge | undefined {
  const [, full = '', salt = '', rounds = ''] = /^r=([^,]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})/.exec(text) ?? [];
  const good = full.startsWith(nonce) && full.length > nonce.length;
  return good && Number(rounds) >= 1 && Number(rounds) <= ROUNDS_MAX
    ? {nonce: full, salt: Buffer.from(salt, 'base64'), rounds: Number(rounds)}
    : undefined;
}

/** The client's final message, and the expected final message of the server. `salted` is the password after PBKDF2. */
export function scramLast(
  salted: Buffer,
  first: string,
  challenge: string,
  nonce: string,
): {readonly last: string; readonly verifier: string} {
  const hmac = (key: Buffer, value: string): Buffer => createHmac('sha256', key).update(value).digest();
  const bare = `c=biws,r=${nonce}`;
  const text = `${first},${challenge},${bare}`;
  const key = hmac(salted, 'Client Key');
  const signature = hmac(createHash('sha256').update(key).digest(), text);
  const proof = key.map((octet, at) => octet ^ (signature[at] ?? 0));
  return {
    last: `${bare},p=${Buffer.from(proof).toString('base64')}`,
    verifier: `v=${hmac(hmac(salted, 'Server Key'), text).toString('base64')}`,
  };
}
