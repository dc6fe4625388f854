/** Needs root: runs in a namespace of its own (or in the micro-VM). */
import {execFileSync} from 'node:child_process';
import dgram from 'node:dgram';
import {closeSync, openSync} from 'node:fs';
import test from 'ava';
import {openAddresses} from './addresses.ts';
import {allowMulticast} from './link-flags.ts';
import {openOutgoingTap} from './outgoing-tap.ts';
import {withNamespace} from './sys-process.ts';

const name = `hactl-tap-${process.pid}`;
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});

test('the tap receives only datagrams sent to the port; multicast can be enabled on lo', async (t) => {
  ip('netns', 'add', name);
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  const heard: string[] = [];
  const sockets: dgram.Socket[] = [];
  let tap: {stop(): void} | undefined;
  try {
    ip('-n', name, 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1');
    ip('-n', name, 'link', 'set', 'd1', 'up');
    ip('-n', name, 'address', 'add', '10.95.0.1/24', 'dev', 'd0');
    ip('-n', name, 'link', 'set', 'd0', 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    await new Promise<void>((resolve) => {
      withNamespace(target, own, () => {
        allowMulticast(1);
        const addresses = openAddresses();
        const {index} = addresses.links().find((link) => link.name === 'd0')!;
        addresses.close();
        tap = openOutgoingTap(index, 8_848, (payload) => {
          heard.push(payload.toString());
          if (payload.toString() === 'last') resolve();
        });
        const socket = dgram.createSocket({
          type: 'udp4',
          lookup: (host, _, done) => done(null, host, 4),
        });
        sockets.push(socket);
        socket.bind(0, '10.95.0.1', () => {
          socket.setMulticastInterface('10.95.0.1');
          socket.setMulticastLoopback(false);
          for (const [text, port, to] of [
            ['first', 8_848, '224.0.0.81'],
            ['another port', 8_849, '224.0.0.81'],
            ['unicast', 8_848, '10.95.0.9'],
            ['last', 8_848, '224.0.0.81'],
          ] as const)
            socket.send(text, port, to);
        });
      });
    });
    t.true(ip('-n', name, 'link', 'show', 'lo').includes('MULTICAST'));
    // The unicast datagram waits for ARP, which nobody answers.
    t.deepEqual(heard, ['first', 'last']);
  } finally {
    tap?.stop();
    for (const socket of sockets) socket.close();
    closeSync(own);
    closeSync(target);
    ip('netns', 'delete', name);
  }
});
