/**
 * A real server of the sync drills: answers every 32 octets, over TCP or UDP, with 32 octets starting with its name.
 * `echo.ts NAME TCP-PORTS UDP-ADDRESS UDP-PORTS`. UDP needs the address: an answer's source must be the request's destination.
 */
import dgram from 'node:dgram';
import net from 'node:net';
import {FRAME} from './frame.ts';

const [name = 'real', tcp = '', address = '', udp = ''] = process.argv.slice(2);
const ports = (text: string): number[] => text.split(',').filter(Boolean).map(Number);

/** The request, prefixed with the name. */
const answer = (question: Buffer): Buffer => {
  const frame = Buffer.from(question);
  frame.write(name.padEnd(8), 0, 'latin1');
  return frame;
};

for (const port of ports(tcp)) {
  const server = net.createServer((socket) => {
    let rest: Buffer = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= FRAME) {
        socket.write(answer(rest.subarray(0, FRAME)));
        rest = rest.subarray(FRAME);
      }
    });
    socket.on('error', () => socket.destroy());
  });
  server.listen({port, host: '::', backlog: 4_096});
}
for (const port of ports(udp)) {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (question, from) => {
    if (question.length === FRAME) socket.send(answer(question), from.port, from.address);
  });
  socket.bind(port, address);
}
