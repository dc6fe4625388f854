/**
 * A third host on the segment, with a network stack of the first director's namespace: sends the second one what could
 * create connections, over every way there is. Says 'done'.
 */
import dgram from 'node:dgram';
import {channelKeys, seal} from '@hactl/base';
import {connectionOf} from './entries.fixture.ts';
import {encodeSyncMessage} from './message.ts';
import {encodeResync} from './resync-wire.ts';

if (process.argv[2] === 'compile') process.exit(0);
const VICTIM = '10.97.0.2';
const socket = dgram.createSocket('udp4');
await new Promise<void>((resolve) => {
  socket.bind(0, '10.97.0.1', resolve);
});
socket.setMulticastInterface('10.97.0.1');
socket.setMulticastLoopback(false);
const send = (bytes: Buffer, port: number, address: string): Promise<void> =>
  new Promise((resolve) => {
    socket.send(bytes, port, address, () => resolve());
  });
const client = Buffer.from([10, 66, 6, 1]);
for (const syncid of [0, 7, 135]) {
  const message = encodeSyncMessage(syncid, [connectionOf(syncid, {client})]);
  // The kernel's own way: what keepalived's and heartbeat's daemons believe.
  await send(message, 8_848, '224.0.0.81');
  await send(message, 8_848, VICTIM);
  // Ours, with a key that is not the cluster's.
  const frame = seal(
    {
      keys: channelKeys('sync', 'guessed', 'test', false),
      sender: 9,
      incarnation: 1n,
      sequence: BigInt(syncid),
    },
    encodeResync({type: 'live', message}),
  );
  await send(frame, 8_849, VICTIM);
  await send(frame, 8_849, '224.0.0.81');
}
process.send?.('done');
process.on('disconnect', () => process.exit(0));
