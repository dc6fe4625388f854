/** A real server of drill e: answers every 32 octets after 300 ms. `slow.ts NAME TCP-PORTS`. */
import net from 'node:net';
import {FRAME} from './frame.ts';

const ANSWER_AFTER = 300;
const [name = 'real', ports = ''] = process.argv.slice(2);
for (const port of ports.split(',').map(Number))
  net
    .createServer((socket) => {
      socket.setNoDelay(true);
      socket.on('data', () => setTimeout(() => socket.end(name.padEnd(FRAME)), ANSWER_AFTER));
      socket.on('error', () => socket.destroy());
    })
    .listen({port, host: '0.0.0.0', backlog: 4_096});
