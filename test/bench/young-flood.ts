/**
 * New UDP connections through a director's own IPVS, at a given rate, each one datagram: a client port that was not used before.
 * Started by young.ts in the director's namespace. Arguments: connections per second, seconds. Reports how many were sent and
 * how many the real server received.
 */
import dgram from 'node:dgram';
import {abi, bindSocket, closeFd, openSocket, sendTo, socketAddress} from '@hactl/net';

if (process.argv[2] === 'compile') process.exit(0);
const [rate = 2_000, seconds = 20] = process.argv.slice(2).map(Number);
const TICK = 5;
const CLIENTS = 250;
/** What is under way at the end arrives within this time, in ms. */
const LAST = 500;

let received = 0;
const server = dgram.createSocket({type: 'udp4', recvBufferSize: 1 << 20});
server.on('message', () => {
  received += 1;
});
await new Promise<void>((resolve) => {
  server.bind(8_080, '10.96.0.2', resolve);
});

const service = socketAddress('10.96.0.100', 80);
const word = Buffer.from('x');
let sent = 0;
function connect(): void {
  const client = openSocket(abi.AF_INET, abi.SOCK_DGRAM, 0, 'client');
  const port = 10_000 + Math.floor(sent / CLIENTS);
  bindSocket(client, socketAddress(`10.96.1.${1 + (sent % CLIENTS)}`, port), 'client');
  sendTo(client, word, word.length, service);
  closeFd(client);
  sent += 1;
}

const started = performance.now();
const timer = setInterval(() => {
  const elapsed = Math.min(performance.now() - started, seconds * 1_000);
  // What this processor does not manage in a tick is not made up for: the rate that was reached is printed.
  const end = performance.now() + TICK * 4;
  while (sent < (elapsed * rate) / 1_000 && performance.now() < end) connect();
  if (elapsed < seconds * 1_000) return;
  clearInterval(timer);
  setTimeout(() => process.send?.({sent, received}, () => process.exit(0)), LAST);
}, TICK);
