/**
 * A process of hostile servers, five of each kind, for the attacks on the checks: prints the ports as JSON, one line, and
 * serves until its input ends. Each kind wastes a client's time in its own way.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import process from 'node:process';
import {
  asked,
  drip,
  first,
  flood,
  mysqlGreeting,
  mysqlPacket,
  type Act,
  type Kind,
} from './hostile-acts.fixture.ts';
import {bannerKinds} from './hostile-banners.fixture.ts';
import {textKinds} from './hostile-texts.fixture.ts';
import {tlsKinds} from './hostile-tls.fixture.ts';

/** A message with names of thousands of labels, and a thousand records that point at them. */
function longNames(id: Buffer): Buffer {
  const blob = Buffer.concat([Buffer.from('\x01a'.repeat(14_000)), Buffer.of(0)]);
  const head = Buffer.concat([id, Buffer.from('84000000', 'hex'), Buffer.from('0bb800000000', 'hex')]);
  const record = Buffer.alloc(11);
  record.writeUInt16BE(16, 1);
  record.writeUInt16BE(1, 3);
  record.writeUInt16BE(blob.length, 9);
  const pointer = 0xc0_00 | (12 + 11);
  const named = Buffer.alloc(14);
  named.writeUInt16BE(pointer, 0);
  named.writeUInt16BE(12, 2);
  named.writeUInt16BE(1, 4);
  named.writeUInt16BE(2, 10);
  named.writeUInt16BE(pointer, 12);
  const message = Buffer.concat([head, record, blob, ...Array.from({length: 2_600}, () => named)]);
  const size = Buffer.alloc(2);
  size.writeUInt16BE(message.length);
  return Buffer.concat([size, message]);
}

/** By name. */
export const kinds: Readonly<Record<string, Kind>> = {
  ...bannerKinds,
  ...tlsKinds,
  ...textKinds,
  chunks: {
    service: 'http',
    act: asked(
      first(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nA\r\n'.repeat(60_000)}`, (socket) =>
        drip(socket, '1\r\nA\r\n'),
      ),
    ),
  },
  'drip after a large body': {
    service: 'http',
    act: asked(
      first(`HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n${'I'.repeat(1_000_000)}`, (socket) =>
        drip(socket, 'I'),
      ),
    ),
  },
  'interim answers': {
    service: 'http',
    act: asked((socket) => flood(socket, `HTTP/1.1 100 C\r\nX: ${'a'.repeat(60_000)}\r\n\r\n`)),
  },
  'small interim answers': {
    service: 'http',
    act: asked((socket) => flood(socket, 'HTTP/1.1 100 C\r\n\r\n'.repeat(3_000))),
  },
  'endless headers': {
    service: 'http',
    act: asked(first('HTTP/1.1 200 OK\r\n', (socket) => flood(socket, 'X-A: b\r\n'.repeat(1_000)))),
  },
  newlines: {
    service: 'simpletcp',
    act: first('\n'.repeat(1_000_000), (socket) => drip(socket, '\n')),
  },
  'endless line': {service: 'smtp', act: (socket) => flood(socket, '2'.repeat(65_536))},
  'endless lines': {service: 'ftp', act: (socket) => flood(socket, '220-hello\r\n'.repeat(1_000))},
  'dripped greeting': {service: 'imap', act: (socket) => drip(socket, '*')},
  'long names': {
    service: 'dns',
    act: (socket) =>
      void socket.once('data', (query: Buffer) => socket.write(longNames(query.subarray(2, 4)))),
  },
  'endless packets': {
    service: 'mysql',
    act: first(
      mysqlGreeting,
      asked((socket) => flood(socket, mysqlPacket(1, Buffer.of(1, 3)))),
    ),
  },
  'a packet in drips': {
    service: 'mysql',
    act: first(Buffer.of(0xff, 0xff, 3, 0), (socket) => {
      socket.write(Buffer.alloc(200_000));
      drip(socket, Buffer.of(0));
    }),
  },
  notices: {
    service: 'pgsql',
    act: asked(
      first(
        'N',
        asked((socket) => flood(socket, Buffer.from('N\0\0\0\x04'.repeat(10_000)))),
      ),
    ),
  },
  'others’ messages': {
    service: 'ldap',
    act: (socket) => flood(socket, Buffer.from('300c0201096507040030000a0100'.repeat(3_000), 'hex')),
  },
  'provisional answers': {
    service: 'sip',
    act: asked((socket) => flood(socket, 'SIP/2.0 100 Trying\r\nCall-ID: x\r\n\r\n'.repeat(1_000))),
  },
};

if (import.meta.main) {
  const listen = (act: Act): Promise<number> =>
    new Promise((resolve) => {
      const server = net.createServer({allowHalfOpen: true, noDelay: true}, (socket) => {
        socket.on('error', () => socket.destroy());
        // A server that only writes must still notice that the client has gone.
        socket.on('end', () => setTimeout(() => socket.destroy(), 3_000).unref());
        act(socket);
        socket.resume();
      });
      server.listen(0, '127.0.0.1', 511, () => resolve((server.address() as net.AddressInfo).port));
    });
  const ports: Record<string, number[]> = {};
  const listenUdp = (answer: NonNullable<Kind['datagram']>): Promise<number> =>
    new Promise((resolve) => {
      const socket = dgram.createSocket('udp4', (question, peer) => answer(socket, question, peer));
      socket.on('error', () => undefined);
      socket.bind(0, '127.0.0.1', () => resolve(socket.address().port));
    });
  for (const [name, {act, datagram}] of Object.entries(kinds))
    // oxlint-disable-next-line no-await-in-loop -- a few sockets.
    ports[name] = await Promise.all(
      Array.from({length: 5}, () => (datagram ? listenUdp(datagram) : listen(act))),
    );
  process.stdout.write(`${JSON.stringify(ports)}\n`);
  process.stdin.resume().on('end', () => process.exit(0));
}
