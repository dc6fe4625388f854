/**
 * The latency of forwarding: queries a UDP echo through the director's own virtual service at a fixed rate. Answers every
 * message from its parent with the round-trip times since the last one, in ms. Argument: queries per second.
 */
import dgram from 'node:dgram';

if (process.argv[2] === 'compile') process.exit(0);
const every = 1_000 / Number(process.argv[2] ?? 100);
const server = dgram.createSocket('udp4');
server.on('message', (bytes, from) => server.send(bytes, from.port, from.address));
await new Promise<void>((resolve) => {
  server.bind(8_080, '10.96.0.2', resolve);
});
const client = dgram.createSocket('udp4');
let trips: number[] = [];
let asked = 0;
client.on('message', (bytes) => trips.push(performance.now() - bytes.readDoubleBE(0)));
setInterval(() => {
  const question = Buffer.alloc(8);
  question.writeDoubleBE(performance.now());
  asked += 1;
  client.send(question, 80, '10.96.0.100');
}, every);
const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
process.on('message', () => {
  const sorted = trips.toSorted((trip, right) => trip - right);
  process.send?.({
    asked,
    answered: trips.length,
    median: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
  });
  [trips, asked] = [[], 0];
});
process.send?.('up');
process.on('disconnect', () => process.exit(0));
