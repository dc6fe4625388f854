/** RADIUS packets against the examples of RFC 2865 (7.1) and against constructed answers. */
import {createHash, createHmac} from 'node:crypto';
import test from 'ava';
import {decodeRadiusAnswer, encodeAccessRequest, hidePassword, type AccessRequest} from './radius-packet.ts';

const authenticator = Buffer.from('0f403f9473978057bd83d5cb98f4227a', 'hex');
const request: AccessRequest = {
  id: 0,
  authenticator,
  secret: 'xyzzy5461',
  login: 'nemo',
  passwd: 'arctangent',
  nasAddress: '192.168.1.16',
};

test('the password is hidden as in RFC 2865 7.1', (t) => {
  const hidden = hidePassword(Buffer.from('arctangent'), Buffer.from('xyzzy5461'), authenticator);
  t.is(hidden.toString('hex'), '0dbe708d93d413ce3196e43f782a0aee');
  t.is(hidePassword(Buffer.from('x'.repeat(17)), Buffer.from('s'), authenticator).length, 32);
});

test('the request is signed and has the right length', (t) => {
  const packet = encodeAccessRequest(request);
  t.is(packet.readUInt16BE(2), packet.length);
  t.deepEqual(packet.subarray(20, 22), Buffer.of(80, 18));
  const unsigned = Buffer.from(packet).fill(0, 22, 38);
  t.deepEqual(createHmac('md5', 'xyzzy5461').update(unsigned).digest(), packet.subarray(22, 38));
  t.true(packet.includes(Buffer.of(4, 6, 192, 168, 1, 16)));
  t.false(encodeAccessRequest({...request, nasAddress: '2001:db8::1'}).includes(Buffer.of(4, 6)));
});

/** A correctly signed answer. */
function answer(code: number, attributes: string, secret = 'xyzzy5461', id = 0): Buffer {
  const octets = Buffer.from(attributes, 'hex');
  const head = Buffer.of(code, id, 0, 20 + octets.length);
  const parts = [head, authenticator, octets, Buffer.from(secret)];
  return Buffer.concat([head, createHash('md5').update(Buffer.concat(parts)).digest(), octets]);
}

test('answers', (t) => {
  // RFC 2865 7.1's Access-Accept, as printed there.
  const printed = '0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103';
  t.deepEqual(decodeRadiusAnswer(Buffer.from(printed, 'hex'), request), {kind: 'accept', message: ''});
  t.deepEqual(decodeRadiusAnswer(answer(3, '12044e6f'), request), {kind: 'reject', message: 'No'});
  t.deepEqual(decodeRadiusAnswer(answer(11, ''), request), {kind: 'challenge', message: ''});
  t.deepEqual(decodeRadiusAnswer(answer(5, ''), request), {kind: 'other', message: ''});
});

test('invalid answers are ignored', (t) => {
  t.is(decodeRadiusAnswer(answer(2, '', 'other'), request), 'forged');
  t.is(decodeRadiusAnswer(answer(2, '', 'xyzzy5461', 1), request), undefined);
  t.is(decodeRadiusAnswer(Buffer.alloc(0), request), undefined);
  t.is(decodeRadiusAnswer(answer(2, '12044e6f').subarray(0, 22), request), undefined);
  // An attribute with length 0, or one beyond the end, ends the parsing.
  t.deepEqual(decodeRadiusAnswer(answer(2, '1200'), request), {kind: 'accept', message: ''});
  t.deepEqual(decodeRadiusAnswer(answer(2, '12ff41'), request), {kind: 'accept', message: ''});
});
