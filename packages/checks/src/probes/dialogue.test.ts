/** The dialogues with test servers: odd, broken, endless; and their pure parts as tables. */
import dgram from 'node:dgram';
import type net from 'node:net';
import {translatePosixRegex} from '@hactl/regex';
import fc from 'fast-check';
import test from 'ava';
import {INPUT_MAX} from './dialogue.ts';
import {judgeDns} from './dns.ts';
import {passivePort, probeFtp} from './ftp.ts';
import {imapString, probeImap} from './imap.ts';
import {probeNntp} from './nntp.ts';
import {probePop} from './pop.ts';
import {compareExpected, probeSendExpect, unescape} from './send-expect.ts';
import {serviceProbes} from './services.ts';
import {probeSimpleTcp, simpleRequest, LineSearch} from './simpletcp.ts';
import {probeSmtp} from './smtp.ts';
import {checkOf, failsOnTheDead, fails, passes, serve} from './testing.ts';

/** A server that greets and answers by the first word of a line; records what it received. */
const scripted =
  (greeting: string, answers: Readonly<Record<string, string>>, heard: string[] = []) =>
  (socket: net.Socket): void => {
    let partial = '';
    socket.write(greeting, 'latin1');
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const lines = (partial + chunk).split('\r\n');
      partial = lines.pop() ?? '';
      for (const line of lines) {
        heard.push(line);
        const answer = answers[line.split(' ')[0] ?? ''];
        if (answer !== undefined) socket.write(answer, 'latin1');
      }
    });
  };

test('every dialogue ends in time, closes its connection and says why', async (t) => {
  const spoken = [
    'ftp', 'imap', 'imaps', 'nntp', 'pop', 'pops', 'send-expect', 'simpletcp', 'smtp', 'submission',
  ]; // prettier-ignore
  for (const service of spoken) {
    const probe = serviceProbes[service];
    if (!probe) throw new Error(service);
    // oxlint-disable-next-line no-await-in-loop -- one after another: the reasons name the service.
    await failsOnTheDead(t, probe, checkOf(service, 0, {sendExpect: {expect: 'OK', regex: false}}));
  }
});

test('a catastrophic expression ends the check, over tcp and udp', async (t) => {
  const text = `${'a'.repeat(60)}b`;
  const port = await serve(t, (socket) => socket.end(text));
  const late = /the expression takes more than \d+ ms on an answer of 61 characters: given up$/;
  await fails(t, probeSimpleTcp, checkOf('simpletcp', port, {receive: '^(a+)+$'}), late);
  const sendExpect = {expect: '^(a+)+$', regex: true};
  await fails(t, probeSendExpect, checkOf('send-expect', port, {sendExpect}), late);
  const socket = dgram.createSocket('udp4', (_, from) => socket.send(text, from.port, from.address));
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
  t.teardown(() => socket.close());
  const datagram = checkOf('simpletcp', socket.address().port, {protocol: 'udp', receive: '^(a+)+$'});
  await fails(t, probeSimpleTcp, {...datagram, request: 'x'}, late);
  const name = {code: 'NOERROR', values: [text], truncated: false} as const;
  t.regex(judgeDns(name, 'real.test', '^(a+)+$').reason, late);
});

test('a greeting of several lines, sent octet by octet, is read', async (t) => {
  const port = await serve(t, (socket) => {
    const words = '220-one\r\n220-two\r\n220 three\r\n';
    let at = 0;
    const next = (): void => {
      if (at < words.length) socket.write(words[at++] ?? '', next);
    };
    socket.setNoDelay(true);
    next();
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      if (chunk.startsWith('EHLO')) socket.write('250-real\r\n250-SIZE\r\n250 OK\r\n');
    });
  });
  await passes(t, probeSmtp, checkOf('smtp', port), /greeting "220-one", EHLO 250$/);
});

test('smtp: HELO after a refused EHLO, with the local name, and QUIT at the end', async (t) => {
  const heard: string[] = [];
  const old = await serve(t, scripted('220 old\r\n', {EHLO: '500 what?\r\n', HELO: '250 hello\r\n'}, heard));
  await passes(t, probeSmtp, checkOf('smtp', old), /HELO 250$/);
  const deadline = performance.now() + 5_000;
  while (heard.length < 3 && performance.now() < deadline)
    // oxlint-disable-next-line no-await-in-loop -- polling.
    await new Promise(setImmediate);
  t.deepEqual(heard, ['EHLO [127.0.0.1]', 'HELO [127.0.0.1]', 'QUIT']);
  const closing = await serve(t, (socket) => socket.end('220 hello\r\n221 no time\r\n'));
  await passes(t, probeSmtp, checkOf('smtp', closing), /EHLO 221/);
  const leaving = await serve(t, (socket) => socket.end('220 hello\r\n'));
  await fails(
    t,
    probeSmtp,
    checkOf('smtp', leaving),
    /greeting "220 hello", .*(instead of the answer to EHLO|reset)/,
  );
  const resetting = await serve(t, (socket) => {
    socket.write('220 hello\r\n');
    socket.once('data', () => socket.resetAndDestroy());
  });
  await fails(t, probeSmtp, checkOf('smtp', resetting), /greeting "220 hello", connection to .* was reset$/);
  const odd = await serve(t, scripted('hello there\r\n', {}));
  await fails(t, probeSmtp, checkOf('smtp', odd), /the greeting is not a reply: "hello there"/);
});

test('a server that never stops sending fails', async (t) => {
  const port = await serve(t, (socket) => {
    const more = (): void => {
      if (!socket.destroyed) socket.write('x'.repeat(65_536), more);
    };
    more();
  });
  for (const [probe, service] of [
    [probeNntp, 'nntp'],
    [probeSmtp, 'smtp'],
  ] as const)
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    await fails(t, probe, checkOf(service, port), new RegExp(`sent more than ${INPUT_MAX} octets`));
});

test('TLS to a server without it fails with the reason', async (t) => {
  const plain = await serve(t, scripted('+OK plain\r\n', {}));
  await fails(
    t,
    probePop,
    checkOf('pops', plain),
    /^connected in \d+ ms, the server on .* does not speak TLS$/,
  );
  const silent = await serve(t, (socket) => socket.resume());
  await fails(t, probeImap, checkOf('imaps', silent, {negotiateTimeout: 200}), /200 ms \(TLS handshake\)$/);
});

test('imap: untagged lines before the answer, quotes in strings, BYE', async (t) => {
  const heard: string[] = [];
  const port = await serve(
    t,
    scripted('* OK ready\r\n', {a: '* CAPABILITY IMAP4rev1\r\na OK in\r\n', b: '* BYE\r\n'}, heard),
  );
  await passes(t, probeImap, checkOf('imap', port, {login: 'h"a', passwd: 'b\\c'}), /logged in as h"a$/);
  t.is(heard[0], 'a LOGIN "h\\"a" "b\\\\c"');
  const bye = await serve(t, scripted('* BYE full\r\n', {}));
  await fails(t, probeImap, checkOf('imap', bye), /the greeting is "\* BYE full"/);
  t.is(imapString('plain'), '"plain"');
});

test('ftp: the file is fetched from the real server, whatever address the answer has', async (t) => {
  const data = await serve(t, (socket) => socket.end('It Works\n'));
  const heard: string[] = [];
  const answers = {
    USER: '331 go on\r\n', PASS: '230 in\r\n', CWD: '250 ok\r\n', TYPE: '200 ok\r\n',
    PASV: `227 Entering Passive Mode (192,0,2,1,${data >> 8},${data & 255})\r\n`,
    RETR: '150 coming\r\n226-done\r\n  and well\r\n226 bye\r\n',
  }; // prettier-ignore
  const port = await serve(t, scripted('220 hello\r\n', answers, heard));
  const spec = checkOf('ftp', port, {login: 'ha', passwd: 'secret', request: 'file', receive: '^It Works$'});
  await passes(t, probeFtp, spec, /logged in as ha, \/file, 9 octets, matches/);
  t.deepEqual(heard.slice(0, 6), ['USER ha', 'PASS secret', 'CWD /', 'TYPE I', 'PASV', 'RETR /file']);
  const nowhere = await serve(t, scripted('220 hello\r\n', {...answers, PASV: '227 somewhere\r\n'}));
  await fails(t, probeFtp, {...spec, port: nowhere}, /the answer to PASV names no port: "227 somewhere"/);
  const broken = await serve(t, scripted('220 hello\r\n', {...answers, RETR: '150 coming\r\n451 disk\r\n'}));
  await fails(t, probeFtp, {...spec, port: broken}, /the end of \/file is "451 disk"/);
  const refused = await serve(t, scripted('220 hello\r\n', {...answers, PASS: '530 no\r\n'}));
  const result = await fails(t, probeFtp, {...spec, port: refused}, /the answer to PASS of ha is "530 no"$/);
  t.notRegex(result.reason, /secret/);
});

test('passivePort', (t) => {
  t.is(passivePort('227 Entering Passive Mode (127,0,0,1,4,1).'), 1025);
  t.is(passivePort('227 =127,0,0,1,0,21'), 21);
  t.is(passivePort('229 Entering Extended Passive Mode (|||6446|)'), 6446);
  for (const text of [
    '229 (|||0|)',
    '229 (|||65536|)',
    '227 (1,2,3,4,0,0)',
    '227 (1,2,3,4,999,9)',
    '227 no',
    '',
  ])
    t.is(passivePort(text), undefined, text);
});

test('simpletcp: the request is unescaped, and the answer matched by line', (t) => {
  t.is(simpleRequest('/one\\ntwo'), 'one\ntwo');
  t.is(simpleRequest('one'), 'one');
  t.is(simpleRequest(), '');
  t.true(new LineSearch('^OK$').found('first\nOK\n', false));
  t.false(new LineSearch('^OK$').found('first\nOK', false), 'the line may go on');
  t.true(new LineSearch('^OK$').found('first\nOK', true));
  t.false(new LineSearch('^OK$').found('first\nNOT OK\n', true));
  t.false(new LineSearch(undefined).found('', true));
  t.true(new LineSearch(undefined).found('anything\n', false));
});

test('send/expect: escapes, classes, comparison', (t) => {
  t.is(unescape('GET / HTTP/1.0\\r\\n\\r\\n'), 'GET / HTTP/1.0\r\n\r\n');
  t.is(unescape('\\x41\\102\\0\\\\n'), 'AB\0\\n');
  t.true(compareExpected({expect: '^[[:upper:]]{2}[[:space:]]+[^[:digit:]]$', regex: true}, 'OK  x', true));
  t.false(compareExpected({expect: '(', regex: true}, '(', true));
  const expect = (text: string, regex = false) => ({expect: text, regex});
  t.true(compareExpected({regex: false}, '', false));
  t.true(compareExpected(expect('HTTP'), 'HTTP/1.1 503', false));
  t.is(compareExpected(expect('HTTP'), 'HT', false), undefined);
  t.false(compareExpected(expect('HTTP'), 'HT', true));
  t.false(compareExpected(expect('HTTP'), 'E', false), 'no need to wait for more');
  t.is(compareExpected(expect('*'), '', false), undefined);
  t.true(compareExpected(expect('*'), 'x', false));
  t.false(compareExpected(expect('*'), '', true));
  t.is(compareExpected(expect('[0-9]+', true), 'none', false), undefined);
  t.true(compareExpected(expect('[0-9]+', true), 'none 7', false));
  t.false(compareExpected(expect('[0-9]+', true), 'none', true));
});

test('the pure parts accept any input without an exception', (t) => {
  fc.assert(
    fc.property(fc.string({unit: 'binary'}), fc.boolean(), (text, ended) => {
      passivePort(text);
      unescape(text);
      translatePosixRegex(text);
      new LineSearch('OK').found(text, ended);
      compareExpected({expect: text, regex: true}, text, ended);
      return compareExpected({expect: 'OK', regex: false}, text, true) === text.startsWith('OK');
    }),
  );
  t.pass();
});
