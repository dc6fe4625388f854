/** PostgreSQL's messages: logins against published examples, parsing against arbitrary octets. */
import {pbkdf2Sync} from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import {
  errorText,
  findFrame,
  md5Password,
  readChallenge,
  readDemand,
  rowValues,
  scramLast,
  startup,
  tlsRequest,
} from './pgsql-message.ts';

test('the first messages are encoded as documented', (t) => {
  t.is(tlsRequest().toString('hex'), '0000000804d2162f');
  const octets = startup('me', 'shop');
  t.is(octets.readInt32BE(0), octets.length);
  t.is(octets.readInt32BE(4), 196_608);
  t.true(octets.toString('latin1').includes('user\0me\0database\0shop\0'));
  t.true(octets.toString('latin1').endsWith('\0\0'));
});

test("SCRAM-SHA-256: RFC 7677's example", (t) => {
  const challenge = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';
  const read = readChallenge(challenge, 'rOprNGfwEbeRWgbNEkqO');
  t.is(read?.rounds, 4096);
  const salted = pbkdf2Sync('pencil', read?.salt ?? '', 4096, 32, 'sha256');
  const {last, verifier} = scramLast(salted, 'n=user,r=rOprNGfwEbeRWgbNEkqO', challenge, read?.nonce ?? '');
  t.is(last.split(',p=')[1], 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=');
  t.is(verifier, 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
});

test('a challenge with another nonce or too many rounds is refused', (t) => {
  t.is(readChallenge('r=abcd,s=YQ==,i=4096', 'abd'), undefined);
  t.is(readChallenge('r=abc,s=YQ==,i=4096', 'abc'), undefined);
  t.is(readChallenge('r=abcd,s=YQ==,i=0', 'abc'), undefined);
  t.is(readChallenge('r=abcd,s=YQ==,i=999999999', 'abc'), undefined);
});

test("MD5: the same as from Python's hashlib", (t) => {
  const salt = Buffer.of(1, 2, 3, 4);
  t.is(md5Password('joe', 'secret', salt), 'md5850be429f1fe77df3f603ac424abb440');
});

test('the login method is read from the server’s message', (t) => {
  const demand = (hex: string): unknown => readDemand(Buffer.from(hex, 'hex'));
  t.deepEqual(demand('00000000'), {kind: 'none'});
  t.deepEqual(demand('00000003'), {kind: 'password'});
  t.deepEqual(demand('0000000501020304'), {kind: 'md5', salt: Buffer.of(1, 2, 3, 4)});
  t.deepEqual(demand('00000007'), {kind: 'unknown', name: 'GSSAPI'});
  t.deepEqual(demand(`0000000a${Buffer.from('SCRAM-SHA-1\0\0').toString('hex')}`), {
    kind: 'unknown',
    name: 'SCRAM-SHA-1',
  });
  t.deepEqual(demand(''), {kind: 'unknown', name: '-1'});
});

test('rows and errors are read, and wrong lengths refused', (t) => {
  t.deepEqual(rowValues(Buffer.from('0003000000027879ffffffff00000000', 'hex')), ['xy', null, '']);
  t.throws(() => rowValues(Buffer.from('00010000000378', 'hex')), {message: /with a wrong length/});
  t.throws(() => rowValues(Buffer.from('ffff', 'hex')), {message: /with a wrong length/});
  t.is(errorText(Buffer.from('SFATAL\0C28P01\0Mno\0\0')), 'no (28P01)');
  t.is(errorText(Buffer.from('without an end')), ' ()');
});

test('arbitrary octets give a message, a request for more, or the error “not PostgreSQL”', (t) => {
  t.throws(() => findFrame(Buffer.from('E\0\0\0\x03')), {message: /not PostgreSQL/});
  t.throws(() => findFrame(Buffer.from('HTTP/1.1')), {
    message: /not PostgreSQL, or one message of 1414811695 octets/,
  });
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 60}), (octets) => {
        try {
          const found = findFrame(Buffer.from(octets));
          if (found.value === undefined) return true;
          rowValues(found.value.body);
          return found.used > 4 && found.used <= octets.length;
        } catch (error) {
          return error instanceof Error && error.message.startsWith('the answer is not PostgreSQL');
        }
      }),
      {numRuns: 2_000},
    ),
  );
});
