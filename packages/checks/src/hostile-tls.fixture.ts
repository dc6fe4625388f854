/** Servers that are hostile in the TLS protocol itself. */
import tls from 'node:tls';
import {asked, drip, flood, type Act, type Kind} from './hostile-acts.fixture.ts';
import {cert, key} from './tls.fixture.ts';
import {HANDSHAKE, handshake13, ticket, type Writer} from './tls13.fixture.ts';

/** TLS over the connection; `then` gets it once it is secure. */
const secured =
  (options: tls.TLSSocketOptions, then: Act): Act =>
  (socket) => {
    // A stream of its own, so that nothing else reads the wrapped socket.
    const secure = new tls.TLSSocket(socket, {isServer: true, cert, key, ...options});
    secure.on('error', () => socket.destroy());
    secure.once('secure', () => then(secure));
    secure.resume();
  };

const record = (type: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.of(type, 3, 3, body.length >> 8, body.length & 255), body]);
const [changeCipherSpec, alert, handshake] = [20, 21, 22];

const renegotiate: Act = (socket) => {
  const again = (): void => {
    if (!socket.destroyed && socket instanceof tls.TLSSocket) socket.renegotiate({}, again);
  };
  again();
};

/** Records that OpenSSL reads by itself, as fast as they are taken. */
const records =
  (make: (writer: Writer) => Buffer): Act =>
  (socket) =>
    handshake13(socket, (writer) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(make(writer)));
      };
      socket.on('drain', more);
      more();
    });
const tickets = Buffer.concat(Array(800).fill(ticket()));

const http = (act: Act): Kind => ({service: 'https', act});

export const tlsKinds: Readonly<Record<string, Kind>> = {
  'renegotiation without end': http(
    secured({secureContext: tls.createSecureContext({cert, key, maxVersion: 'TLSv1.2'})}, renegotiate),
  ),
  'tickets without end': http(records((writer) => writer.record(HANDSHAKE, tickets))),
  'tickets without end, imaps': {
    service: 'imaps',
    act: records((writer) => writer.record(HANDSHAKE, tickets)),
  },
  'padding without end': http(records((writer) => writer.padding())),
  'a long chain': http(
    secured({secureContext: tls.createSecureContext({cert: cert.repeat(200), key})}, (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nNO'),
    ),
  ),
  'a chain beyond every limit': http(
    secured({secureContext: tls.createSecureContext({cert: cert.repeat(2_000), key})}, (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nNO'),
    ),
  ),
  'a handshake in drips': http(
    asked((socket) => {
      socket.write(Buffer.of(handshake, 3, 3, 0x3f, 0xff, 2, 0, 0x3f, 0xfb));
      drip(socket, Buffer.of(0));
    }),
  ),
  'a handshake message of 16 MB': http(
    asked((socket) => {
      socket.write(record(handshake, Buffer.of(2, 0xff, 0xff, 0xff)));
      flood(socket, record(handshake, Buffer.alloc(16_000)));
    }),
  ),
  'empty records': http(
    asked((socket) => flood(socket, Buffer.concat(Array(5_000).fill(record(handshake, Buffer.alloc(0)))))),
  ),
  'records of no meaning': http(
    asked((socket) =>
      flood(socket, Buffer.concat(Array(5_000).fill(record(changeCipherSpec, Buffer.of(1))))),
    ),
  ),
  warnings: http(
    asked((socket) => flood(socket, Buffer.concat(Array(5_000).fill(record(alert, Buffer.of(1, 90)))))),
  ),
  'a flood over TLS': http(
    secured(
      {},
      asked((socket) => flood(socket, 'HTTP/1.1 100 C\r\n\r\n'.repeat(3_000))),
    ),
  ),
};
