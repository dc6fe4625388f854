/** LDAP messages, octet by octet, and parsing of arbitrary octets. */
import test from 'ava';
import fc from 'fast-check';
import {bindRequest, findLdap, searchRequest, unbindRequest} from './ldap-message.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

test('requests', (t) => {
  t.is(bindRequest(1, '', '').toString('hex'), '300c020101600702010304008000');
  t.is(
    bindRequest(1, 'cn=a', 'pw').toString('hex'),
    '3012020101600d0201030404636e3d618002' + Buffer.from('pw').toString('hex'),
  );
  t.is(unbindRequest(3).toString('hex'), '30050201034200');
  t.deepEqual(
    searchRequest(2, 'o=x'),
    hex(
      '302d 020102 6328 04036f3d78 0a0100 0a0100 020100 020100 010100 870b6f626a656374436c617373 3005 0403312e31',
    ),
  );
  t.is(searchRequest(2, 'x'.repeat(200)).readUInt8(1), 0x84, 'a long length');
});

test('answers', (t) => {
  const found = (text: string): unknown => findLdap(hex(text));
  t.deepEqual(found('300c020101 6107 0a0100 0400 0400'), {
    value: {kind: 'bind', id: 1, code: 0, text: ''},
    used: 14,
  });
  t.deepEqual(found('3010020101 610b 0a0131 0400 0404 6e6f7065 ff'), {
    value: {kind: 'bind', id: 1, code: 49, text: 'nope'},
    used: 18,
  });
  t.deepEqual(found('308400000010 020102 8400000000 30 00 30 00 30 00 30 00'), {
    value: {kind: 'other', id: 2},
    used: 22,
  });
  t.deepEqual(found('300c 020102 6407 04036f3d78 3000'), {
    value: {kind: 'entry', id: 2, name: 'o=x'},
    used: 14,
  });
  t.deepEqual(found('300c020101 6107 0a0100 0400'), {needs: 14});
  t.deepEqual(found('3084'), {needs: 6});
});

test('other protocols are refused as not LDAP', (t) => {
  for (const text of ['48545450', '3080', '308800000000', '3000', '3003020101', '3005020101 6105'])
    t.throws(() => findLdap(hex(text)), {message: 'the answer is not LDAP'}, text);
});

test('arbitrary octets give a message, a request for more, or the error “not LDAP”', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.uint8Array({maxLength: 40}), (octets) => {
        const framed = Buffer.concat([Buffer.of(0x30, octets.length, 2, 1, 1), octets]);
        try {
          const found = findLdap(framed);
          return found.used === undefined || (found.used > 1 && found.used <= framed.length);
        } catch (error) {
          return error instanceof Error && error.message === 'the answer is not LDAP';
        }
      }),
      {numRuns: 2_000},
    ),
  );
});
