/** Behaviour of hostile servers on a connection. */
import type dgram from 'node:dgram';
import type net from 'node:net';

export type Act = (socket: net.Socket) => void;

export interface Kind {
  /** The service that is checked. */
  readonly service: string;
  /** Called for each connection to its server. */
  readonly act: Act;
  /** Over UDP: called for each datagram instead. */
  readonly datagram?: (socket: dgram.Socket, question: Buffer, peer: dgram.RemoteInfo) => void;
}

/** Writes without end, as fast as the client reads. */
export const flood = (socket: net.Socket, octets: Buffer | string): void => {
  const more = (): void => {
    while (!socket.destroyed && socket.write(octets));
  };
  socket.on('drain', more);
  more();
};
/** A piece each millisecond, in a segment of its own. */
export const drip = (socket: net.Socket, octets: Buffer | string): void => {
  const timer = setInterval(() => {
    for (let piece = 0; piece < 4 && !socket.destroyed; piece += 1) socket.write(octets);
  }, 1);
  socket.on('close', () => clearInterval(timer));
};
export const asked =
  (act: Act): Act =>
  (socket) =>
    void socket.once('data', () => act(socket));
export const first =
  (text: string | Buffer, then: Act): Act =>
  (socket) => {
    socket.write(text);
    then(socket);
  };
export const mysqlPacket = (sequence: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  head[3] = sequence;
  return Buffer.concat([head, body]);
};
export const mysqlGreeting = mysqlPacket(
  0,
  Buffer.concat([
    Buffer.from('\x0a8.0\0\x01\0\0\0abcdefgh\0\xff\xf7\x21\x02\0\xff\xdf\x15', 'latin1'),
    Buffer.alloc(10),
    Buffer.from('ijklmnopqrst\0mysql_native_password\0'),
  ]),
);
