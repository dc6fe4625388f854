/**
 * UDP servers on 10.96.0.2 and 10.96.0.3, port 8080, that answer with their own address, and a client with a port of its own
 * that asks 10.96.0.100:80 fifty times a second, beside eight TCP connections to port 80. Started in a director's namespace by
 * flows.vm.test.ts. Orders: an address (that UDP server falls silent), `up` (both answer). Sends the address of each answer,
 * and `up` when it has started.
 */
import dgram from 'node:dgram';
import net from 'node:net';

if (process.argv[2] === 'compile') process.exit(0);
const EVERY = 20;
let silent = '';
const bound = (address: string, port: number): Promise<dgram.Socket> =>
  new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.on('error', () => undefined);
    socket.bind(port, address, () => resolve(socket));
  });
for (const address of ['10.96.0.2', '10.96.0.3']) {
  // oxlint-disable-next-line no-await-in-loop -- two sockets.
  const socket = await bound(address, 8_080);
  socket.on('message', (_, from) => {
    if (silent !== address) socket.send(address, from.port, from.address);
  });
}
for (const address of ['10.96.0.2', '10.96.0.3'])
  // oxlint-disable-next-line no-await-in-loop -- two servers.
  await new Promise<void>((resolve) => {
    net
      .createServer((socket) => socket.on('error', () => undefined).resume())
      .listen(8_080, address, resolve);
  });
await Promise.all(
  Array.from(
    {length: 8},
    () =>
      new Promise<void>((resolve) => {
        const socket = net.connect(80, '10.96.0.100', resolve);
        socket.on('error', () => undefined);
      }),
  ),
);
const client = await bound('10.96.0.100', Number(process.argv[2] ?? 40_000));
client.on('message', (bytes) => process.send?.(bytes.toString('latin1')));
setInterval(() => client.send('x', 80, '10.96.0.100'), EVERY);
process.on('message', (order: string) => {
  silent = order === 'up' ? '' : order;
});
process.on('disconnect', () => process.exit(0));
process.send?.('up');
