/**
 * Real connections through a director's own IPVS, made by a program in its namespace: client, service and real server are all
 * addresses of its `lo` (IPVS serves local clients too). Started by pair.fixture.ts; sends 'up' once all are established, and
 * keeps them until it is killed. Arguments: count, `client` if the servers run already, `compile` to do nothing.
 */
import dgram from 'node:dgram';
import net from 'node:net';

const count = Number(process.argv[2] ?? 10);
const listen = (host: string, port: number): Promise<void> =>
  new Promise((resolve) => {
    net
      .createServer((socket) => socket.on('error', () => undefined).pipe(socket))
      .listen(port, host, 4_096, resolve);
  });
const connect = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, host);
    socket.on('error', reject);
    // A few packets: the kernel's sync starts with the second.
    let left = 3;
    socket.on('data', () => {
      left -= 1;
      if (left === 0) resolve();
      else socket.write('x');
    });
    socket.on('connect', () => socket.write('x'));
  });

if (process.argv[3] === 'compile') process.exit(0);
const clientOnly = process.argv[3] === 'client';
if (!clientOnly) {
  await listen('10.96.0.2', 8_080);
  await listen('10.96.0.3', 8_080);
  await listen('fd96::2', 8_080);
  const server = dgram.createSocket('udp4');
  server.on('message', (bytes, from) => server.send(bytes, from.port, from.address));
  await new Promise<void>((resolve) => {
    server.bind(8_080, '10.96.0.2', resolve);
  });
}
for (let made = 0; made < count; made += 20)
  // oxlint-disable-next-line no-await-in-loop -- twenty at a time.
  await Promise.all(
    Array.from({length: Math.min(20, count - made)}, (_, index) =>
      connect(index % 4 === 3 ? 'fd96::64' : '10.96.0.100', index % 4 === 2 ? 81 : 80),
    ),
  );
const client = dgram.createSocket('udp4');
await new Promise<void>((resolve) => {
  let answers = 0;
  client.on('message', () => {
    answers += 1;
    if (answers === 4) resolve();
    else client.send('x', 80, '10.96.0.100');
  });
  client.send('x', 80, '10.96.0.100');
});
process.send?.('up');
process.on('disconnect', () => process.exit(0));
