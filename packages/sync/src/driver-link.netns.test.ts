/** The sync port: forwarded datagrams, and those that are not frames, do not reach the process. */
import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import {setImmediate} from 'node:timers/promises';
import anyTest, {type TestFn} from 'ava';
import {closeFd, openUdp, sendTo, socketAddress, withNamespace} from '@hactl/net';
import {findInterface, openPeerLink, SYNC_GROUP} from './driver-link.ts';

const test = anyTest.serial as unknown as TestFn;
const name = `hactl-sl-${process.pid}`;
const peerName = `${name}-peer`;
const PORT = 8_849;
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});

test.before(() => {
  for (const namespace of [name, peerName]) ip('netns', 'add', namespace);
  ip('-n', name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', peerName);
  for (const [one, place] of [
    [name, 1],
    [peerName, 2],
  ] as const) {
    ip('-n', one, 'address', 'add', `10.78.2.${place}/24`, 'brd', '+', 'dev', 'eth0');
    ip('-n', one, 'link', 'set', 'eth0', 'up');
  }
});

test.after.always(() => {
  for (const namespace of [name, peerName]) ip('netns', 'delete', namespace);
});

function inside<T>(namespace: string, make: (index: number) => T): T {
  const ownNamespace = openSync('/proc/thread-self/ns/net', 'r');
  const target = openSync(`/run/netns/${namespace}`, 'r');
  try {
    return withNamespace(target, ownNamespace, () => make(findInterface('eth0').index));
  } finally {
    closeSync(ownNamespace);
    closeSync(target);
  }
}

const frame = Buffer.alloc(48, 'hs');

for (const [title, to, kind] of [
  ['its own address', '10.78.2.1', 'ucast'],
  ['the group', SYNC_GROUP, 'mcast'],
] as const)
  test(`to ${title}: only frames that no router forwarded are received, including the peer's`, async (t) => {
    const heard: string[] = [];
    const link = inside(name, (index) =>
      openPeerLink('eth0', index, PORT, (bytes) => heard.push(bytes.toString('latin1'))),
    );
    const send = (bytes: Buffer, ttl: number): void => {
      const fd = inside(peerName, (index) =>
        openUdp({
          kind,
          family: 4,
          device: 'eth0',
          index,
          port: PORT + 1,
          ttl,
          ...(kind === 'mcast' ? {group: SYNC_GROUP} : {}),
        }),
      );
      t.is(sendTo(fd, bytes, bytes.length, socketAddress(to, PORT)), bytes.length);
      closeFd(fd);
    };
    send(frame, 254);
    send(frame, 64);
    send(Buffer.alloc(48, 'sh'), 255);
    send(frame.subarray(0, 39), 255);
    const peer = inside(peerName, (index) => openPeerLink('eth0', index, PORT, () => undefined));
    peer.send(frame, kind === 'ucast' ? '10.78.2.1' : undefined);
    const end = performance.now() + 10_000;
    // oxlint-disable-next-line no-await-in-loop -- until it is here.
    while (heard.length === 0 && performance.now() < end) await setImmediate();
    t.deepEqual(heard, [frame.toString('latin1')]);
    link.close();
    peer.close();
  });
