/**
 * Fills a director's kernel and its mirror with generated connections, as if its kernel had sent them: started in its
 * namespace by pair.fixture.ts. Arguments: count, syncid of the master, syncid of the backup, timeout in seconds (default: an
 * hour). Reports how long the kernel took, in ms: the lower bound for every transfer.
 */
import dgram from 'node:dgram';
import {openInjector} from './driver-injector.ts';
import {connectionOf, entryOf} from './entries.fixture.ts';
import {HEADER, messageOf} from './entry.ts';

if (process.argv[2] === 'compile') process.exit(0);
const [count = 1, master = 7, backup = 135, timeout = 3_600] = process.argv.slice(2).map(Number);
const PIECE = 35;
const socket = dgram.createSocket('udp4');
await new Promise<void>((resolve) => {
  socket.bind(0, '127.0.0.1', resolve);
});
socket.setMulticastInterface('127.0.0.1');
const injector = await openInjector({
  group: '224.0.0.81',
  port: 8_848,
  source: '127.0.0.1',
  ttl: 1,
  syncid: backup,
});
const entries = Array.from({length: count}, (_, number) =>
  Buffer.from(entryOf(connectionOf(number, {timeout})).subarray(HEADER)),
);
const started = performance.now();
await new Promise<void>((resolve) => {
  let left = 0;
  for (let index = 0; index < count; index += PIECE) {
    left += 1;
    injector.add({
      message: messageOf(backup, entries.slice(index, index + PIECE)),
      done: () => {
        left -= 1;
        if (left === 0) resolve();
      },
    });
  }
});
const elapsed = performance.now() - started;
for (let index = 0; index < count; index += PIECE)
  // oxlint-disable-next-line no-await-in-loop -- the mirror's socket must not overflow.
  await new Promise<void>((resolve) => {
    socket.send(messageOf(master, entries.slice(index, index + PIECE)), 8_848, '224.0.0.81', () =>
      setTimeout(resolve, index % (PIECE * 20) === 0 ? 10 : 0),
    );
  });
process.send?.({took: elapsed}, () => process.exit(0));
