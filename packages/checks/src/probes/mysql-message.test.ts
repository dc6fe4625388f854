/** MySQL's messages. Debian has only MariaDB, so a server of the test imitates what only MySQL does. */
import {constants, createHash, generateKeyPairSync, privateDecrypt, randomBytes} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import {systemClock} from '@hactl/base';
import type {CheckSpec} from '../messages.ts';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {
  columnCount,
  errorText,
  findPacket,
  packet,
  proof,
  readEnd,
  readGreeting,
  readOk,
  rowValues,
} from './mysql-message.ts';
import {probeMysql} from './mysql.ts';
import {AMPLE} from './real-server.ts';
import {checkOf, folder} from './testing.ts';

const sha = (name: string, ...parts: Buffer[]): Buffer =>
  createHash(name).update(Buffer.concat(parts)).digest();
const xor = (left: Buffer, right: Buffer): Buffer =>
  Buffer.from(left.map((octet, at) => octet ^ (right[at % right.length] ?? 0)));
/** A salt without NUL, as MySQL's. */
const makeSalt = (): Buffer => Buffer.from(randomBytes(20).map((octet) => octet | 1));

const greeting = (salt: Buffer, plugin: string): Buffer =>
  Buffer.concat([
    Buffer.from('\x0a8.0.36\0'),
    Buffer.of(5, 0, 0, 0),
    salt.subarray(0, 8),
    Buffer.from('00ffff2d0200ffdf15', 'hex'),
    Buffer.alloc(10),
    salt.subarray(8),
    Buffer.of(0),
    Buffer.from(`${plugin}\0`),
  ]);
const ok = Buffer.from('00000002000000', 'hex');
const end = Buffer.from('fe00000200', 'hex');
const column = Buffer.concat([
  Buffer.from('03646566000000013100', 'hex'),
  Buffer.from('0c3f0001000000088100000000', 'hex'),
]);
const oneRow = [Buffer.of(1), column, end, Buffer.from('0137', 'hex'), end];

const fastOk = [Buffer.of(1, 3), ok];
type Turn = (body: Buffer) => Buffer | readonly Buffer[] | undefined;
/** A server that greets, answers each login packet with the next of `turns`, and a statement with `result`. */
async function serve(
  t: ExecutionContext,
  first: Buffer,
  turns: readonly Turn[],
  result: readonly Buffer[] = oneRow,
): Promise<number> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(packet(0, first));
    let left = [...turns];
    socket.on('data', (chunk: Buffer) => {
      const found = findPacket(chunk);
      if (found.value === undefined) return;
      const {sequence, body} = found.value;
      const [turn, ...later] = left;
      left = later;
      const answer = turn?.(body);
      const say = answer ? [answer].flat() : body[0] === 3 ? result : [];
      socket.write(Buffer.concat(say.map((buffer, at) => packet(sequence + 1 + at, buffer))));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as net.AddressInfo).port;
}
const ask = (port: number, more: Partial<CheckSpec> = {}): ReturnType<typeof probeMysql> =>
  probeMysql(
    checkOf('mysql', port, {login: 'me', passwd: 'se cret', request: 'SELECT 7', receive: '^7$', ...more}),
    AMPLE,
    systemClock,
  );

/** The client's proof: after 32 octets and the name, a length and that many octets. */
const proofOf = (body: Buffer): Buffer => {
  const at = body.indexOf(0, 32) + 1;
  return body.subarray(at + 1, at + 1 + (body[at] ?? 0));
};
const passwd = Buffer.from('se cret');
const nativeIsRight = (given: Buffer, salt: Buffer): boolean => {
  const stored = sha('sha1', sha('sha1', passwd));
  return sha('sha1', xor(given, sha('sha1', salt, stored))).equals(stored);
};
const cachedIsRight = (given: Buffer, salt: Buffer): boolean => {
  const stored = sha('sha256', sha('sha256', passwd));
  return sha('sha256', xor(given, sha('sha256', stored, salt))).equals(stored);
};

test('caching_sha2_password: a cached login succeeds', async (t) => {
  const salt = makeSalt();
  const port = await serve(t, greeting(salt, 'caching_sha2_password'), [
    // The message that the login is cached is followed by OK at once.
    (body) => (cachedIsRight(proofOf(body), salt) ? fastOk : undefined),
  ]);
  const result = await ask(port);
  t.true(result.passed, result.reason);
});

/** A server that asks for the password itself: sends its key on request, and records what it could decrypt. */
async function wantsPassword(
  t: ExecutionContext,
): Promise<{port: number; publicKey: string; read: string[]}> {
  const salt = makeSalt();
  const {publicKey, privateKey} = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: {type: 'spki', format: 'pem'},
    privateKeyEncoding: {type: 'pkcs8', format: 'pem'},
  });
  const read: string[] = [];
  const decrypt: Turn = (body) => {
    if (body.equals(Buffer.of(2))) return Buffer.concat([Buffer.of(1), Buffer.from(publicKey)]);
    if (body[0] === 3 && body.length < 256) return undefined;
    const clear = privateDecrypt({key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING}, body);
    read.push(xor(clear, salt).toString());
    return ok;
  };
  const port = await serve(t, greeting(salt, 'caching_sha2_password'), [
    () => Buffer.of(1, 4),
    decrypt,
    decrypt,
  ]);
  return {port, publicKey, read};
}
const keyFile = (t: ExecutionContext, text: string): string => {
  const file = path.join(folder(t), 'key.pem');
  writeFileSync(file, text);
  return file;
};

test('caching_sha2_password, not cached: the password is encrypted with the configured key', async (t) => {
  const {port, publicKey, read} = await wantsPassword(t);
  const result = await ask(port, {mysqlKey: keyFile(t, publicKey)});
  t.true(result.passed, result.reason);
  t.deepEqual(read, ['se cret\0']);
});

test('the password is never encrypted with a key that the server sends', async (t) => {
  const {port, read} = await wantsPassword(t);
  const {passed, reason} = await ask(port);
  t.false(passed);
  t.regex(reason, /wants the password itself, which only hactl_mysql_key="\/FILE"/);
  t.deepEqual(read, []);
});

test('an invalid or missing key file fails with the reason', async (t) => {
  const {port} = await wantsPassword(t);
  const none = keyFile(t, '-----BEGIN PUBLIC KEY-----\nx');
  t.regex((await ask(port, {mysqlKey: none})).reason, /hactl_mysql_key holds no usable public key/);
  t.regex((await ask(port, {mysqlKey: `${none}.not`})).reason, /key\.pem\.not: ENOENT/);
});

test('the server may switch to another authentication plugin', async (t) => {
  const [salt, buffer] = [makeSalt(), makeSalt()];
  const port = await serve(t, greeting(salt, 'client_ed25519'), [
    (body) => {
      t.true(nativeIsRight(proofOf(body), salt), 'tried with what is known');
      return Buffer.concat([Buffer.from('\xfecaching_sha2_password\0', 'latin1'), buffer, Buffer.of(0)]);
    },
    (body) => (cachedIsRight(body, buffer) ? ok : undefined),
  ]);
  const result = await ask(port);
  t.true(result.passed, result.reason);
});

test('unsupported authentication plugins fail with their name', async (t) => {
  for (const [text, reason] of [
    ['\xfeclient_ed25519\0'.padEnd(40, 'x'), /the server wants client_ed25519, which is not supported/],
    ['\xfemysql_clear_password\0', /the server wants mysql_clear_password/],
    ['\xfemysql_native_password\0short', /login as me failed: the answer is not MySQL/],
    ['\xfe', /the server wants mysql_old_password/],
    ['\x02', /login as me failed: the answer is not MySQL/],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    const port = await serve(t, greeting(makeSalt(), 'mysql_native_password'), [
      () => Buffer.from(text, 'latin1'),
    ]);
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    const result = await ask(port);
    t.false(result.passed);
    t.regex(result.reason, reason);
  }
});

test('an error in place of the greeting is the reason', async (t) => {
  const port = await serve(t, Buffer.from('\xff\x10\x04Too many connections', 'latin1'), []);
  t.regex((await ask(port)).reason, /login as me failed: Too many connections \(1040\)/);
});

test('a server that asks for a local file gets none', async (t) => {
  const port = await serve(
    t,
    greeting(makeSalt(), 'mysql_native_password'),
    [() => ok],
    [Buffer.from('\xfb/etc/shadow', 'latin1')],
  );
  t.regex((await ask(port)).reason, /the server wants a file of the director/);
});

test('the results of several statements are read', async (t) => {
  const more = Buffer.from('fe00000a00', 'hex');
  const port = await serve(
    t,
    greeting(makeSalt(), 'mysql_native_password'),
    [() => ok],
    [
      Buffer.from('0000000a000000', 'hex'),
      Buffer.of(1),
      column,
      end,
      Buffer.from('0131', 'hex'),
      more,
      ...oneRow,
    ],
  );
  const result = await ask(port);
  t.true(result.passed, result.reason);
  t.regex(result.reason, /2 row/);
});

test('arbitrary octets give a value, or the error “not MySQL”', (t) => {
  t.is(proof('mysql_native_password', '', makeSalt())?.length, 0);
  t.is(errorText(Buffer.from('\xff\x15\x04#28000Access denied', 'latin1')), 'Access denied (1045, 28000)');
  t.throws(() => findPacket(Buffer.from('HTTP/1.1')), {
    message: /not MySQL, or one message of 5526600 octets/,
  });
  const readers = [findPacket, readGreeting, readEnd, readOk, columnCount, rowValues, errorText];
  t.notThrows(() =>
    fc.assert(
      fc.property(
        fc.uint8Array({minLength: 1, maxLength: 60}),
        fc.constantFrom(...readers),
        (octets, read) => {
          try {
            read(Buffer.from(octets));
            return true;
          } catch (error) {
            return error instanceof Error && error.message.startsWith('the answer is not MySQL');
          }
        },
      ),
      {numRuns: 5_000},
    ),
  );
});
