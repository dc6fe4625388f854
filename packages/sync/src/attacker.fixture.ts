/**
 * A third host on the segment: sends the directors everything that could create connections, over every path. It records the
 * traffic between the two sync processes and replays it with the original sender's address. On the message 'attack' it starts,
 * and reports how many datagrams were replays. Arguments: the links to listen on, each with the address reached through it
 * (`DEVICE ADDRESS …`); none if it can only forge.
 */
import {execFileSync} from 'node:child_process';
import dgram from 'node:dgram';
import {readFileSync} from 'node:fs';
import {channelKeys, seal} from '@hactl/channel';
import {openOutgoingTap} from '@hactl/net';
import {connectionOf} from './entries.fixture.ts';
import {encodeSyncMessage} from './message.ts';
import {encodeResync} from './resync-wire.ts';

if (process.argv[2] === 'compile') process.exit(0);
const words = process.argv.slice(2);
const victims = ['10.97.0.1', '10.97.0.2'];
const GROUP = '224.0.0.81';
/** Number of datagrams to each that makes an attack worthwhile, and how long to wait for them, in ms. */
const ENOUGH = 10;
const HEARING = 30_000;
const heard: {readonly to: string; readonly frame: Buffer}[] = [];
for (let index = 0; index < words.length; index += 2) {
  const [device = '', to = ''] = words.slice(index);
  openOutgoingTap(Number(readFileSync(`/sys/class/net/${device}/ifindex`, 'latin1')), 8_849, (frame) =>
    heard.push({to, frame: Buffer.from(frame)}),
  );
}

async function openSocket(source: string) {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => {
    socket.bind(0, source, resolve);
  });
  // Its own link, whatever source address it spoofs.
  socket.setMulticastInterface('10.97.0.3');
  socket.setMulticastLoopback(false);
  // It is on the segment, so it can.
  socket.setTTL(255);
  socket.setMulticastTTL(255);
  const send = (bytes: Buffer, port: number, address: string): Promise<void> =>
    new Promise((resolve) => {
      socket.send(bytes, port, address, () => resolve());
    });
  return {send, close: () => socket.close()};
}

async function attack(): Promise<number> {
  for (const source of victims) {
    const victim = victims.find((victim) => victim !== source) ?? '';
    // oxlint-disable no-await-in-loop -- one datagram at a time.
    const name = (verb: 'add' | 'delete') =>
      execFileSync('ip', ['address', verb, `${source}/32`, 'dev', 'lo']);
    name('add');
    const {send, close} = await openSocket(source);
    const client = Buffer.from([10, 66, 6, 1]);
    for (const syncid of [0, 7, 135]) {
      const message = encodeSyncMessage(syncid, [connectionOf(syncid, {client})]);
      // The kernel's multicast, which keepalived's and heartbeat's sync daemons trust.
      await send(message, 8_848, GROUP);
      await send(message, 8_848, victim);
      // Our frames, with a key that is not the cluster's.
      const frame = seal(
        {
          keys: channelKeys('sync', 'guessed', 'test'),
          sender: 9,
          incarnation: 1n,
          sequence: BigInt(syncid),
        },
        encodeResync({type: 'live', message}),
      );
      await send(frame, 8_849, victim);
      await send(frame, 8_849, GROUP);
    }
    for (const {to, frame} of heard) if (to === victim) await send(frame, 8_849, victim);
    close();
    name('delete');
    // oxlint-enable no-await-in-loop
  }
  return heard.length;
}

/** On an idle machine the directors have sent little by now: a hello every half second. */
async function enoughHeard(): Promise<void> {
  const missing = (): boolean =>
    words.length > 0 && victims.some((victim) => heard.filter(({to}) => to === victim).length < ENOUGH);
  for (const end = performance.now() + HEARING; missing() && performance.now() < end;)
    // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
    await new Promise((resolve) => setTimeout(resolve, 50));
}

process.on('message', () => {
  void enoughHeard().then(attackOnce);
});
const attackOnce = (): void => {
  const mute = heard.length;
  void attack().then((replayed) => {
    // Skips its own datagrams.
    heard.length = mute;
    process.send?.({replayed});
  });
};
process.send?.('listening');
process.on('disconnect', () => process.exit(0));
