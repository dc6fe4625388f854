/** HTTP answers, whole and in pieces: their content, their end, and how much of them is read. */
import test from 'ava';
import fc from 'fast-check';
import {BODY_MAX, CHUNKS_MAX, HEAD_MAX, HttpAnswer, INTERIM_MAX} from './http-answer.ts';

const read = (text: string, headOnly = false): HttpAnswer => {
  const answer = new HttpAnswer(headOnly);
  answer.feed(text);
  return answer;
};
const facts = ({status, location, body, complete, truncated, problem}: HttpAnswer) => ({
  status,
  location,
  body,
  complete,
  truncated,
  problem,
});
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

for (const [title, text, expected] of [
  ['no length: up to the end', 'HTTP/1.1 200 OK\r\n\r\nab', {status: 200, body: 'ab', complete: false}],
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc', {body: 'ab', complete: true}],
  ['a length of 0', 'HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n', {body: '', complete: true}],
  ['part of it', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab', {complete: false, truncated: true}],
  ['204 has no body', 'HTTP/1.1 204 No Content\r\n\r\n', {status: 204, complete: true, truncated: false}],
  ['304 has none, whatever its head says', 'HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n', {complete: true}],
  ['101 is final', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n', {status: 101, complete: true}],
  [
    'bare LF in the head',
    'HTTP/1.0 200 OK\nContent-Length: 1\n\na',
    {status: 200, body: 'a', complete: true},
  ],
  [
    'bare LF in chunks',
    'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\na\n0\n\n',
    {body: 'a', complete: true},
  ],
  ['a location', 'HTTP/1.1 302 F\r\nLocation: /x\r\nLocation: /y\r\n\r\n', {status: 302, location: '/x'}],
  ['a head without its end', 'HTTP/1.1 200 OK\r\nX: y\r\n', {status: undefined, complete: false}],
  ['chunks', `${chunked}2\r\nab\r\n1;x=y\r\nc\r\n0\r\nT: x\r\n\r\n`, {body: 'abc', complete: true}],
  ['chunks without the last one', `${chunked}2\r\nab\r\n`, {body: 'ab', complete: false, truncated: true}],
  ['a chunk that holds a line 0', `${chunked}8\r\na\r\n0\r\nbc\r\n`, {body: 'a\r\n0\r\nbc', complete: false}],
  ['a chunk that is cut', `${chunked}ff\r\nab`, {body: 'ab', complete: false}],
  ['a chunk without a size', `${chunked}xy\r\nab`, {problem: 'a chunk of the body has no size'}],
  ['a chunk that goes on', `${chunked}1\r\nab\r\n`, {problem: 'a chunk of the body is longer than its size'}],
  [
    'an interim answer before',
    'HTTP/1.1 103 E\r\nLocation: /a\r\n\r\nHTTP/1.1 204 x\r\n\r\n',
    {status: 204, location: undefined},
  ],
  ['only an interim answer', 'HTTP/1.1 100 Continue\r\n\r\n', {status: undefined, complete: false}],
  ['another protocol', 'SSH-2.0-OpenSSH', {problem: 'the answer is not HTTP: "SSH-2.0-OpenSSH"'}],
  ['its first letters only', 'HTT', {problem: undefined, status: undefined}],
] as const)
  // prettier-ignore
  test(`http: ${title}`, (t) => {
    const found = facts(read(text));
    t.like(found, expected, JSON.stringify(found));
  });

test('http: the answer to a HEAD ends with its head', (t) => {
  t.like(facts(read('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', true)), {complete: true, body: ''});
});

test('http: the result does not depend on how the answer is split', (t) => {
  const line = fc.constantFrom('Content-Length: 4', 'X: y', 'Transfer-Encoding: chunked', 'Location: /a');
  const body = fc.constantFrom(
    'body',
    '4\r\nbody\r\n0\r\n\r\n',
    '1\r\nb\r\n3\r\nody\r\n0\r\nX: y\r\n\r\n',
    '',
    '9\r\n',
  );
  const status = fc.constantFrom('200', '204', '302', '404', '100');
  fc.assert(
    fc.property(
      fc.array(status, {minLength: 1, maxLength: 3}),
      fc.array(line, {maxLength: 3}),
      fc.constantFrom('\n', '\r\n'),
      body,
      fc.array(fc.nat(120), {maxLength: 8}),
      (codes, lines, newline, content, cuts) => {
        const text =
          codes.map((code) => ['HTTP/1.1 ' + code + ' x', ...lines, '', ''].join(newline)).join('') + content;
        const answer = new HttpAnswer(false);
        const places = [0, ...cuts.toSorted((cut, right) => cut - right), text.length];
        for (const [index, cut] of places.entries()) answer.feed(text.slice(places[index - 1] ?? 0, cut));
        t.deepEqual(facts(answer), facts(read(text)), JSON.stringify(text));
      },
    ),
  );
});

test('http: heads, interim answers, chunks and bodies are bounded', (t) => {
  const endless = `no end of the answer's head within ${HEAD_MAX} octets`;
  t.is(read(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`).problem, endless);
  t.is(read(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(12_000)}`).problem, endless);
  t.is(read(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(60_000)}`).problem, undefined);
  t.is(read(`HTTP/1.1 100 C\r\nX: ${'x'.repeat(30_000)}\r\n\r\n`.repeat(3)).problem, endless);
  t.is(
    read('HTTP/1.1 100 C\r\n\r\n'.repeat(INTERIM_MAX + 1)).problem,
    `more than ${INTERIM_MAX} interim answers (HTTP 100)`,
  );
  t.is(
    read(`${chunked}${'1\r\na\r\n'.repeat(CHUNKS_MAX + 1)}`).problem,
    `more than ${CHUNKS_MAX} chunks in the body`,
  );
  t.is(read(`${chunked}1;${'x'.repeat(5_000)}`).problem, 'a chunk of the body has no size');
  t.is(read(`${chunked}0\r\n${'X: y\r\n'.repeat(12_000)}`).problem, endless, 'trailers');
  const large = read(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(BODY_MAX + 1)}`);
  t.deepEqual([large.body.length, large.complete], [BODY_MAX, true]);
});
