/** Strangers' datagrams at real sockets: the kernel drops and counts them; the peer's arrive. */
import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import {setImmediate} from 'node:timers/promises';
import anyTest, {type TestFn} from 'ava';
import {
  closeFd,
  openAddresses,
  openUdp,
  sendTo,
  socketAddress,
  withNamespace,
  type InterfaceAddress,
} from '@hactl/net';
import {encodeAdvert} from '../advert.ts';
import {peerAdvert} from '../machine/scene.fixture.ts';
import type {EngineKey, EnginePath} from '../messages.ts';
import {openTransport} from './transport.ts';

const test = anyTest.serial as unknown as TestFn;
const name = `hactl-st-${process.pid}`;
const peerName = `${name}-peer`;
const PORT = 7_695;
const CLUSTER = 0x8123_4567_89ab_cdefn;
const key: EngineKey = {id: 1, method: 'sha256', secret: 'of nobody else'};
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});

const until = async (holds: () => boolean): Promise<boolean> => {
  const end = performance.now() + 10_000;
  while (!holds() && performance.now() < end) await setImmediate();
  return holds();
};

test.before(async (t) => {
  for (const namespace of [name, peerName]) ip('netns', 'add', namespace);
  ip('-n', name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', peerName);
  for (const [one, place] of [
    [name, 1],
    [peerName, 2],
  ] as const) {
    ip('-n', one, 'address', 'add', `10.78.1.${place}/24`, 'brd', '+', 'dev', 'eth0');
    // The kernel's link-local address is tentative for a second: nothing can be sent from it.
    ip('-n', one, 'link', 'set', 'eth0', 'addrgenmode', 'none');
    for (const address of [`fd00:78:1::${place}`, `fe80::${place}`])
      ip('-n', one, 'address', 'add', `${address}/64`, 'dev', 'eth0', 'nodad');
    ip('-n', one, 'link', 'set', 'eth0', 'up');
  }
  // The kernel routes IPv6 multicast a moment after it detects the carrier.
  const routed = (namespace: string): boolean =>
    ip('-n', namespace, '-6', 'route', 'show', 'table', 'local').includes('multicast ff00::/8');
  for (const namespace of [name, peerName])
    t.true(await until(() => routed(namespace)), `${namespace} routes multicast`);
});

test.after.always(() => {
  for (const namespace of [name, peerName]) ip('netns', 'delete', namespace);
});

/** Makes sockets in a namespace. */
function inside<T>(namespace: string, make: (addresses: ReturnType<typeof openAddresses>) => T): T {
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${namespace}`, 'r')];
  try {
    return withNamespace(target, own, () => {
      const addresses = openAddresses();
      try {
        return make(addresses);
      } finally {
        addresses.close();
      }
    });
  } finally {
    closeSync(own);
    closeSync(target);
  }
}

/** A path of each kind, as configured at both ends. */
const mcast = (group: string): EnginePath => ({
  kind: 'mcast',
  device: 'eth0',
  group,
  port: PORT,
  ttl: 1,
  loop: false,
});
const ucast = (peer: string): EnginePath => ({kind: 'ucast', device: 'eth0', peer, port: PORT});
const bcast: EnginePath = {kind: 'bcast', device: 'eth0', port: PORT};
const kinds: readonly (readonly [string, EnginePath, EnginePath, string])[] = [
  ['bcast', bcast, bcast, '255.255.255.255'],
  ['mcast', mcast('225.0.0.1'), mcast('225.0.0.1'), '225.0.0.1'],
  ['mcast of IPv6', mcast('ff02::7'), mcast('ff02::7'), 'ff02::7'],
  ['ucast', ucast('10.78.1.2'), ucast('10.78.1.1'), '10.78.1.1'],
  ['ucast of IPv6', ucast('fd00:78:1::2'), ucast('fd00:78:1::1'), 'fd00:78:1::1'],
];

const advert = encodeAdvert(peerAdvert({}, {cluster: CLUSTER}), key);
const changed = (at: number): Buffer => {
  const copy = Buffer.from(advert);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};
const strangers: readonly (readonly [string, Buffer, number])[] = [
  ['nothing', Buffer.alloc(0), 255],
  ['an octet', Buffer.from('x'), 255],
  ['an advert cut short', advert.subarray(0, 75), 255],
  ['an advert without its last octet', advert.subarray(0, -1), 255],
  ['an advert with an extra octet', Buffer.concat([advert, Buffer.from('x')]), 255],
  ['64 KB', Buffer.alloc(65_000, advert), 255],
  ['another magic', changed(3), 255],
  ['another cluster, first octet', changed(16), 255],
  ['another cluster, last octet', changed(23), 255],
  ['an advert that a router forwarded', advert, 254],
  ['an advert with the usual TTL', advert, 64],
];

for (const [title, path, back, target] of kinds)
  test(`${title}: strangers are dropped by the kernel and counted, the peer's adverts arrive`, async (t) => {
    const got: Buffer[] = [];
    const open = (namespace: string, path: EnginePath, heard: (bytes: Buffer) => void) =>
      inside(namespace, (addresses) =>
        openTransport(
          [path],
          {cluster: CLUSTER, links: addresses.links(), addresses: () => addresses.list()},
          (_, bytes) => {
            heard(bytes);
            return true;
          },
        ),
      );
    const transport = open(name, path, (bytes) => got.push(Buffer.from(bytes)));
    t.teardown(() => transport.close());
    const peer = open(peerName, back, () => undefined);
    t.teardown(() => peer.close());
    t.is(transport.paths[0]?.error, undefined);
    const before = transport.paths[0]?.dropped ?? 0;
    const [family, kind] = [target.includes(':') ? 6 : 4, path.kind] as const;
    for (const [what, bytes, ttl] of strangers) {
      const index = inside(
        peerName,
        (addresses) => addresses.links().find((link) => link.name === 'eth0')?.index ?? 0,
      );
      const fd = inside(peerName, () =>
        openUdp({
          kind,
          family,
          device: 'eth0',
          index,
          port: PORT + 1,
          ttl,
          ...(path.kind === 'mcast' ? {group: path.group} : {}),
        }),
      );
      t.is(sendTo(fd, bytes, bytes.length, socketAddress(target, PORT, index)), bytes.length, what);
      closeFd(fd);
    }
    t.true(
      await until(() => (transport.paths[0]?.dropped ?? 0) - before >= strangers.length),
      'all were dropped by the kernel',
    );
    peer.send(0, advert);
    t.true(await until(() => got.length > 0));
    t.deepEqual(got, [advert], 'only the advert woke the process');
  });

test('a new address that makes the peer a neighbour closes the path to routers; without it they may forward adverts', async (t) => {
  let received = 0;
  const [links, index] = inside(name, (addresses) => {
    const all = addresses.links();
    return [all, all.find((link) => link.name === 'eth0')?.index ?? 0] as const;
  });
  const neighbour = [{family: 4, address: '192.0.2.7', prefixLength: 24, index}] as const;
  const around = (list: readonly InterfaceAddress[]) => ({cluster: CLUSTER, links, addresses: () => list});
  const transport = inside(name, () =>
    openTransport([ucast('192.0.2.1')], around([]), () => {
      received += 1;
      return true;
    }),
  );
  const sender = inside(peerName, (addresses) =>
    openUdp({
      kind: 'ucast',
      family: 4,
      device: 'eth0',
      index: addresses.links().find((link) => link.name === 'eth0')?.index ?? 0,
      port: PORT + 1,
      ttl: 64,
    }),
  );
  const seen: string[] = [];
  for (const list of [[], neighbour, []]) {
    transport.reopen(around(list));
    const [heard, dropped] = [received, transport.paths[0]?.dropped ?? 0];
    sendTo(sender, advert, advert.length, socketAddress('10.78.1.1', PORT));
    // oxlint-disable-next-line no-await-in-loop -- one after another.
    await until(() => received > heard || (transport.paths[0]?.dropped ?? 0) > dropped);
    seen.push(received > heard ? 'heard' : 'dropped');
  }
  t.deepEqual(seen, ['heard', 'dropped', 'heard']);
  transport.close();
  closeFd(sender);
});
