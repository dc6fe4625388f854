/** Servers of every line protocol and message format that send far too much, or far too slowly. */
import {asked, drip, first, flood, mysqlPacket, type Act, type Kind} from './hostile-acts.fixture.ts';

/** One octet each second. */
const trickle =
  (text: string): Act =>
  (socket) => {
    let at = 0;
    const timer = setInterval(() => socket.write(text[(at += 1) % text.length] ?? ''), 1_000);
    socket.on('close', () => clearInterval(timer));
  };
const kind = (service: string, act: Act): Kind => ({service, act});
const none: Act = () => undefined;
const long = 'A'.repeat(60_000);

/** A huge BER length, then data as fast as it is read. */
const ldapOf = (length: number): Buffer =>
  Buffer.of(0x30, 0x84, length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255);
/** PostgreSQL's message: a type, a length. */
const pgsqlOf = (type: string, length: number, body: Buffer | string = ''): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, Buffer.from(body)]);
};
const sasl = pgsqlOf('R', 8 + 15, Buffer.concat([Buffer.of(0, 0, 0, 10), Buffer.from('SCRAM-SHA-256\0\0')]));

/** Asks for the maximum number of rounds that a check accepts. */
const manyRounds: Act = asked((socket) => {
  socket.write('N');
  socket.once('data', () => {
    socket.write(sasl);
    socket.once('data', (octets: Buffer) => {
      const nonce = /r=([^,]+)/.exec(octets.toString('latin1'))?.[1] ?? '';
      const challenge = `r=${nonce}server,s=c2FsdHNhbHQ=,i=199999`;
      socket.write(
        pgsqlOf('R', 8 + challenge.length, Buffer.concat([Buffer.of(0, 0, 0, 11), Buffer.from(challenge)])),
      );
    });
  });
});

/** Answers each query with a flood of datagrams. */
const storm =
  (make: (question: Buffer) => Buffer): NonNullable<Kind['datagram']> =>
  (socket, question, peer) => {
    const datagram = make(question);
    let left = 20_000;
    const more = (): void => {
      for (let count = 0; count < 200 && left > 0; count += 1, left -= 1)
        socket.send(datagram, peer.port, peer.address);
      if (left > 0) setImmediate(more);
    };
    more();
  };

export const bannerKinds: Readonly<Record<string, Kind>> = {
  'an octet a second, http': kind('http', asked(trickle('HTTP/1.1 200 OK\r\n'))),
  'an octet a second, smtp': kind('smtp', trickle('220-a\r\n')),
  'an octet a second, mysql': kind('mysql', trickle('\x4a\0\0\0')),
  'an octet a second, ldap': kind('ldap', trickle('\x30\x84\0\0')),
  'a chunk of 4 GB': kind(
    'http',
    asked(
      first('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n', (socket) =>
        flood(socket, long),
      ),
    ),
  ),
  'a chunk of 2^64': kind(
    'http',
    asked(
      first('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n', (socket) =>
        flood(socket, long),
      ),
    ),
  ),
  'a length of 2^70': kind(
    'http',
    asked(first(`HTTP/1.1 200 OK\r\nContent-Length: ${2n ** 70n}\r\n\r\n`, (socket) => flood(socket, long))),
  ),
  'a packed bomb': kind(
    'http',
    asked(
      first(
        'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10485760\r\n\r\n\x1f\x8b\x08',
        (socket) => flood(socket, Buffer.alloc(60_000)),
      ),
    ),
  ),
  'endless trailers': kind(
    'http',
    asked(
      first('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n', (socket) =>
        flood(socket, 'X-A: b\r\n'.repeat(5_000)),
      ),
    ),
  ),
  'smtp: a greeting without end': kind('smtp', (socket) => flood(socket, '220-hello\r\n'.repeat(5_000))),
  'pop: a line without end': kind('pop', (socket) => flood(socket, `+OK ${long}`)),
  'imap: untagged lines': kind('imap', (socket) => flood(socket, '* OK hello\r\n'.repeat(5_000))),
  'nntp: a line without end': kind('nntp', (socket) => flood(socket, `200 ${long}`)),
  'ftp: a file without end': kind('ftp', (socket) =>
    flood(socket, '220 a\r\n331 b\r\n230 c\r\n250 d\r\n200 e\r\n'),
  ),
  'ldap: a message of 2 GB': kind('ldap', (socket) => {
    socket.write(ldapOf(0x7f_ff_ff_ff));
    flood(socket, long);
  }),
  'ldap: a message of 60 KB in drips': kind('ldap', (socket) => {
    socket.write(ldapOf(60_000));
    drip(socket, 'A');
  }),
  'mysql: a greeting of 16 MB': kind('mysql', (socket) => {
    socket.write(Buffer.of(0xff, 0xff, 0xff, 0));
    flood(socket, long);
  }),
  'mysql: an error of 60 KB': kind('mysql', (socket) =>
    socket.write(mysqlPacket(0, Buffer.concat([Buffer.of(0xff, 1, 1), Buffer.alloc(60_000, 0x1b)]))),
  ),
  'pgsql: an error of 60 KB': kind(
    'pgsql',
    asked((socket) => socket.write(pgsqlOf('E', 60_004, `M${'\x1b'.repeat(59_998)}\0`))),
  ),
  'pgsql: a message of 2 GB': kind(
    'pgsql',
    asked((socket) => {
      socket.write('N');
      socket.once('data', () => {
        socket.write(pgsqlOf('R', 0x7f_ff_ff_ff));
        flood(socket, long);
      });
    }),
  ),
  'pgsql: many rounds of SCRAM': kind('pgsql', manyRounds),
  'sip: a head without end': kind('sip', (socket) => flood(socket, `SIP/2.0 200 ${long}`)),
  'dns: a storm of datagrams': {
    service: 'dns',
    act: none,
    datagram: storm((question) =>
      Buffer.concat([
        question.subarray(0, 2),
        Buffer.from('8180ffffffffffffffff', 'hex'),
        Buffer.alloc(1_400, 1),
      ]),
    ),
  },
  'dns: a storm of strange datagrams': {
    service: 'dns',
    act: none,
    datagram: storm(() => Buffer.alloc(1_400, 0xc0)),
  },
  'sip: a storm of datagrams': {
    service: 'sip',
    act: none,
    datagram: storm(() => Buffer.from(`SIP/2.0 100 Trying\r\nCall-ID: x\r\nX: ${'a'.repeat(1_300)}\r\n\r\n`)),
  },
  'radius: a storm of datagrams': {
    service: 'radius',
    act: none,
    datagram: storm((question) =>
      Buffer.concat([Buffer.of(2, question[1] ?? 0, 5, 100), Buffer.alloc(1_376, 1)]),
    ),
  },
  'simpletcp: a storm of datagrams': {
    service: 'simpletcp',
    act: none,
    datagram: storm(() => Buffer.alloc(1_400, 10)),
  },
};
