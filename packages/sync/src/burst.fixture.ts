/**
 * Imitates a kernel: sends sync messages to the kernels' group at a given rate. Arguments: messages, messages per second,
 * syncid, the address whose interface is used, connections per message (35). Sends 'done' after the last.
 */
import dgram from 'node:dgram';
import {connectionOf, entryOf} from './entries.fixture.ts';
import {HEADER, messageOf} from './entry.ts';

if (process.argv[2] === 'compile') process.exit(0);
const [count = 1, rate = 1_000, syncid = 7] = process.argv.slice(2, 5).map(Number);
const source = process.argv[5] ?? '127.0.0.1';
const ENTRIES = Number(process.argv[6] ?? 35);
/** Number of distinct messages: later ones are refreshes, like most of a kernel's. */
const DISTINCT = 300;
const TICK = 10;
const messages = Array.from({length: DISTINCT}, (_, message) =>
  messageOf(
    syncid,
    Array.from({length: ENTRIES}, (__, index) =>
      Buffer.from(entryOf(connectionOf(message * ENTRIES + index)).subarray(HEADER)),
    ),
  ),
);
const socket = dgram.createSocket('udp4');
await new Promise<void>((resolve) => {
  socket.bind(0, source, resolve);
});
socket.setMulticastInterface(source);
socket.setMulticastLoopback(true);
const started = performance.now();
let sent = 0;
const timer = setInterval(() => {
  const due = Math.min(count, ((performance.now() - started) * rate) / 1_000);
  for (; sent < due; sent += 1) socket.send(messages[sent % DISTINCT]!, 8_848, '224.0.0.81');
  if (sent < count) return;
  clearInterval(timer);
  process.send?.('done', () => process.exit(0));
}, TICK);
