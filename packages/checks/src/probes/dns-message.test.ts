/** DNS messages: queries octet by octet; answers, also malicious ones. */
import test from 'ava';
import {decodeAnswer, dnsQuestion, encodeQuery} from './dns-message.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
/** Head and question of an answer about `a.b`. */
const head = '1234 8180 0001 0001 0000 0000  01 61 01 62 00 0001 0001 ';

test('questions', (t) => {
  t.deepEqual(dnsQuestion('/www.example.org'), {name: 'www.example.org', type: 'A'});
  t.deepEqual(dnsQuestion('www.example.org.'), {name: 'www.example.org', type: 'A'});
  t.deepEqual(dnsQuestion('192.0.2.7'), {name: '7.2.0.192.in-addr.arpa', type: 'PTR'});
  const zeros = '0.'.repeat(19);
  t.deepEqual(dnsQuestion('2001:db8::a7'), {name: `7.a.0.0.0.${zeros}8.b.d.0.1.0.0.2.ip6.arpa`, type: 'PTR'});
  t.is(dnsQuestion('::1')?.name, `1.0.0.0.${'0.'.repeat(28)}ip6.arpa`);
  for (const bad of ['', '/', 'a..b', `${'x'.repeat(64)}.org`, `${'x.'.repeat(127)}org`])
    t.is(dnsQuestion(bad), undefined);
});

test('a query', (t) => {
  const query = encodeQuery(0x12_34, {name: 'a.bc', type: 'A'});
  t.deepEqual(query, hex('1234 0100 0001 0000 0000 0000 01 61 02 6263 00 0001 0001'));
});

test('answers', (t) => {
  const answer = (text: string): unknown => decodeAnswer(hex(text), 0x12_34);
  const ok = {truncated: false, code: 'NOERROR'};
  t.deepEqual(answer(`${head} c00c 0001 0001 0000003c 0004 c0000207`), {...ok, values: ['192.0.2.7']});
  t.deepEqual(answer(`${head} c00c 000c 0001 0000003c 0004 01 78 c00c`), {...ok, values: ['x.a.b']});
  t.deepEqual(answer(`${head} c00c 0005 0001 0000003c 0002 c00c`), {...ok, values: []});
  t.deepEqual(answer('1234 8183 0000 0000 0000 0000'), {truncated: false, code: 'NXDOMAIN', values: []});
  t.deepEqual(answer('1234 818b 0000 0000 0000 0000'), {truncated: false, code: 'RCODE 11', values: []});
  t.deepEqual(answer('1234 8380 0000 0005 0000 0000'), {truncated: true, code: 'NOERROR', values: []});
});

test('an answer to another query is ignored', (t) => {
  t.is(decodeAnswer(hex(head), 0x12_35), undefined);
  t.is(decodeAnswer(hex('1234 0100 0000 0000 0000 0000'), 0x12_34), undefined);
  t.is(decodeAnswer(hex('1234'), 0x12_34), undefined);
});

test('inconsistent messages are malformed', (t) => {
  for (const text of [
    head,
    `${head} c00c 0001`,
    `${head} c015 0001 0001 0000003c 0004 c0000207`,
    `${head} c00c 000c 0001 0000003c 0002 3f61`,
    `${head} ffff 0001 0001 0000003c 0004 c0000207`,
  ])
    t.is(decodeAnswer(hex(text), 0x12_34), 'malformed', text);
});
