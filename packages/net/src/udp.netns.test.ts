/** Several paths on one port: each socket receives only its own kind. */
import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import anyTest, {type TestFn} from 'ava';
import {
  abi,
  closeFd,
  openAddresses,
  openUdp,
  receive,
  sendTo,
  socketAddress,
  withNamespace,
} from './index.ts';

const test = anyTest.serial as unknown as TestFn;
const name = `hactl-udp-${process.pid}`;
const peerName = `${name}-peer`;
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});

test.before(() => {
  for (const namespace of [name, peerName]) ip('netns', 'add', namespace);
  ip('-n', name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', peerName);
  for (const [one, address] of [
    [name, '10.78.0.1/24'],
    [peerName, '10.78.0.2/24'],
  ] as const) {
    ip('-n', one, 'address', 'add', address, 'dev', 'eth0');
    ip('-n', one, 'link', 'set', 'eth0', 'up');
  }
});

test.after.always(() => {
  for (const namespace of [name, peerName]) ip('netns', 'delete', namespace);
});

test('a broadcast socket does not receive the datagrams of a group joined by another path', async (t) => {
  const group = {
    kind: 'mcast',
    family: 4,
    port: 7_694,
    device: 'eth0',
    group: '225.0.0.1',
    ttl: 1,
    loop: false,
  } as const;
  const open = (namespace: string, make: (index: number) => number[]): number[] => {
    const [own, target] = [
      openSync('/proc/thread-self/ns/net', 'r'),
      openSync(`/run/netns/${namespace}`, 'r'),
    ];
    const fds = withNamespace(target, own, () => {
      const addresses = openAddresses();
      const index = addresses.links().find((link) => link.name === 'eth0')?.index ?? 0;
      addresses.close();
      return make(index);
    });
    closeSync(own);
    closeSync(target);
    return fds;
  };
  const [mcast, bcast] = open(name, (index) => [
    openUdp({...group, index}),
    openUdp({kind: 'bcast', family: 4, port: 7_694, device: 'eth0', index}),
  ]);
  const [sender] = open(peerName, (index) => [openUdp({...group, index})]);
  const into = Buffer.alloc(64);
  const read = (fd: number | undefined): number => receive(fd ?? -1, into, abi.MSG_DONTWAIT);
  t.is(sendTo(sender ?? -1, Buffer.from('advert'), 6, socketAddress('225.0.0.1', 7_694)), 6);
  const end = performance.now() + 5_000;
  let length = -1;
  while (length < 0 && performance.now() < end) {
    length = read(mcast);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.is(length, 6);
  t.is(read(bcast), -1);
  for (const fd of [mcast, bcast, sender]) closeFd(fd ?? -1);
});
