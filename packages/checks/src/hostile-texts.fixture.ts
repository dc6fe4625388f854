/** Servers whose texts are huge, steer a terminal, or end in the middle. */
import {createHash} from 'node:crypto';
import type dgram from 'node:dgram';
import {
  asked,
  first,
  flood,
  mysqlGreeting,
  mysqlPacket,
  type Act,
  type Kind,
} from './hostile-acts.fixture.ts';

/** The password and secret of every check: known to the server that is checked. */
export const PASSWORD = 'correct-horse-battery-staple';

/** C0, DEL, C1 (CSI and OSC), direction marks, a lone surrogate's octets, and an invalid octet. */
const STEERING = '\0\x1b[2J\x07\x7f\u009b31m\u009d0;x\u0007\u202e\u2066\u200b\ufeff\u2028"\\';
const steering = Buffer.concat([Buffer.from(STEERING), Buffer.from([0xed, 0xa0, 0x80, 0xff, 0x9b])]);
/** As many quotation marks as fit: a secret that is cut off stands before such a mark. */
const quotes = (octets: number): Buffer => Buffer.alloc(octets, 'a"');

const kind = (service: string, act: Act): Kind => ({service, act});
const say =
  (...texts: (string | Buffer)[]): Act =>
  (socket) =>
    void socket.write(Buffer.concat(texts.map((text) => Buffer.from(text as string))));
/** Sends the first part of an answer, then a RST. */
const broken = (text: string | Buffer): Act =>
  first(text, (socket) => void setTimeout(() => socket.resetAndDestroy(), 20));

/** A BER element with a length of four octets. */
const ber = (tag: number, value: Buffer): Buffer => {
  const head = Buffer.from([tag, 0x84, 0, 0, 0, 0]);
  head.writeUInt32BE(value.length, 2);
  return Buffer.concat([head, value]);
};
const ldapAnswer = (id: number, tag: number, body: Buffer): Buffer =>
  ber(0x30, Buffer.concat([Buffer.from([2, 1, id]), ber(tag, body)]));
const bound = ldapAnswer(1, 0x61, Buffer.from('0a010004000400', 'hex'));
const nested = (depth: number, leaf: Buffer): Buffer => {
  let all = leaf;
  for (let level = 0; level < depth; level += 1) all = ber(0x30, all);
  return all;
};
/** Answers the bind, then the search. */
const searched = (answer: Buffer): Act =>
  asked(first(bound, (socket) => void socket.once('data', () => socket.write(answer))));

const pgsql = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const afterTls = (answer: Buffer): Act =>
  asked(first('N', (socket) => void socket.once('data', () => socket.write(answer))));

/** An answer of RADIUS, correctly signed. */
function radiusReject(question: Buffer): Buffer {
  const message = steering.subarray(0, 200);
  const attributes = Buffer.concat([Buffer.from([18, message.length + 2]), message]);
  const head = Buffer.from([3, question[1] ?? 0, 0, 0]);
  head.writeUInt16BE(20 + attributes.length, 2);
  const signed = createHash('md5')
    .update(Buffer.concat([head, question.subarray(4, 20), attributes, Buffer.from(PASSWORD)]))
    .digest();
  return Buffer.concat([head, signed, attributes]);
}

/** An answer of DNS whose names lead to each other, or show what steers a terminal. */
function dnsAnswer(question: Buffer): Buffer {
  const head = Buffer.concat([
    question.subarray(0, 2),
    Buffer.from('8180000000040000', 'hex'),
    Buffer.alloc(2),
  ]);
  const record = (name: Buffer, data: Buffer): Buffer => {
    const fixed = Buffer.from('000c00010000000a0000', 'hex');
    fixed.writeUInt16BE(data.length, 8);
    return Buffer.concat([name, fixed, data]);
  };
  const label = Buffer.concat([Buffer.from([Math.min(63, steering.length)]), steering.subarray(0, 63)]);
  return Buffer.concat([
    head,
    record(Buffer.of(0), Buffer.concat([label, Buffer.of(0)])),
    record(Buffer.from([0xc0, 12]), Buffer.from([0xc0, 12])),
    // To itself, and past the end.
    record(Buffer.of(0), Buffer.from([0xc0, 80])),
    record(Buffer.from([0xff, 0xff]), Buffer.from([0xff, 0xff])),
  ]);
}

const datagram = (
  service: string,
  answer: (question: Buffer) => Buffer,
): Kind & {datagram: NonNullable<Kind['datagram']>} => ({
  service,
  act: () => undefined,
  datagram: (socket: dgram.Socket, question: Buffer, peer: dgram.RemoteInfo) =>
    socket.send(answer(question), peer.port, peer.address),
});

/** A final answer of SIP to this question, whose reason phrase steers the terminal. */
const sipAnswer = (question: string, phrase: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('SIP/2.0 503 '),
    phrase,
    Buffer.from(`\r\nCall-ID: ${/^Call-ID: (\S+)/m.exec(question)?.[1] ?? ''}\r\n\r\n`),
  ]);

export const textKinds: Readonly<Record<string, Kind>> = {
  // A reason as long as the limits of the protocol allow.
  'pgsql: mechanisms of 250 KB': kind(
    'pgsql',
    afterTls(pgsql('R', Buffer.concat([Buffer.from([0, 0, 0, 10]), quotes(250_000), Buffer.alloc(2)]))),
  ),
  'mysql: a plug-in of 250 KB': kind(
    'mysql',
    first(
      mysqlGreeting,
      asked((socket) =>
        socket.write(mysqlPacket(2, Buffer.concat([Buffer.of(0xfe), quotes(250_000), Buffer.alloc(21)]))),
      ),
    ),
  ),
  'ldap: a DN of 60 KB': kind('ldap', searched(Buffer.concat([
    ldapAnswer(2, 0x64, Buffer.concat([ber(4, quotes(60_000)), ber(0x30, Buffer.alloc(0))])),
    ldapAnswer(2, 0x65, Buffer.from('0a010004000400', 'hex')),
  ]))), // prettier-ignore
  'ldap: ten thousand nested sequences': kind('ldap', (socket) =>
    socket.write(nested(10_000, Buffer.of(5, 0))),
  ),
  'ldap: lengths without a size': kind('ldap', (socket) => flood(socket, Buffer.alloc(60_000, '\x30\x80'))),
  // What steers a terminal, in every text that a reason shows.
  'http: control characters': kind('http', asked(say('HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n', steering, 'x'.repeat(40)))), // prettier-ignore
  'http: no HTTP but control characters': kind('http', asked(say(steering, '\r\n\r\n'))),
  'smtp: control characters': kind('smtp', say('554 ', steering, '\r\n')),
  'pop: control characters': kind('pop', say('-ERR ', steering, '\r\n')),
  'imap: control characters': kind('imap', say('* BYE ', steering, '\r\n')),
  'nntp: control characters': kind('nntp', say('400 ', steering, '\r\n')),
  'ftp: control characters': kind('ftp', say('421 ', steering, '\r\n')),
  'simpletcp: control characters': kind('simpletcp', (socket) => socket.end(steering)),
  'mysql: control characters': kind('mysql', say(mysqlPacket(0, Buffer.concat([Buffer.from([0xff, 1, 1]), steering])))), // prettier-ignore
  'pgsql: control characters': kind('pgsql', afterTls(pgsql('E', Buffer.concat([Buffer.from('M'), steering.subarray(1), Buffer.alloc(2)])))), // prettier-ignore
  'ldap: control characters': kind('ldap', asked(say(ldapAnswer(1, 0x61, Buffer.concat([Buffer.from('0a01310400', 'hex'), ber(4, steering)]))))), // prettier-ignore
  'sip: control characters': kind('sip', (socket) => void socket.once('data', (question: Buffer) => socket.write(sipAnswer(question.toString(), steering)))), // prettier-ignore
  'sip: a phrase of 60 KB': kind('sip', (socket) => void socket.once('data', (question: Buffer) => socket.write(sipAnswer(question.toString(), quotes(60_000))))), // prettier-ignore
  'radius: control characters': datagram('radius', radiusReject),
  'dns: names in a circle': datagram('dns', dnsAnswer),
  'sip: control characters over UDP': datagram('sip', (question) => sipAnswer(question.toString(), steering)),
  // Ends in the middle.
  'http: a RST within the body': kind(
    'http',
    asked(broken('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nNO')),
  ),
  'https: a RST within a record': kind('https', asked(broken(Buffer.from('160303400002003ffc', 'hex')))),
  'smtp: a RST within a reply': kind('smtp', broken('220-hello\r\n220')),
  'mysql: a RST within a packet': kind('mysql', broken(Buffer.from([0x4a, 0, 0, 0, 0x0a]))),
  'pgsql: a RST instead of an answer about TLS': kind('pgsql', asked(broken(''))),
  'http: redirects without end': kind('http', (socket) => void socket.once('data', (question: Buffer) => {
    const path = /^GET (\S+)/.exec(question.toString())?.[1] ?? '/';
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ${path}${'a'.repeat(8_000)}\r\nContent-Length: 0\r\n\r\n`);
  })), // prettier-ignore
};
