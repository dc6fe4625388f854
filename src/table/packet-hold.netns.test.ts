/** Segments of unknown connections, on real sockets in network namespaces created by the test (root). */
import {execFileSync, spawnSync} from 'node:child_process';
import anyTest, {type TestFn} from 'ava';
import {openPacketHold} from '@hactl/net';
import {inside, makeTalkers, runInside, sendsAgain} from '../../test/lab/namespace-work.ts';

const test = anyTest.serial as unknown as TestFn;
const names = {
  client: `hactl-hc-${process.pid}`,
  one: `hactl-h1-${process.pid}`,
  two: `hactl-h2-${process.pid}`,
};
const ip = (where: string, ...words: string[]): string =>
  execFileSync('ip', ['-n', where, ...words], {encoding: 'utf8'});
const VIP = {4: '10.77.0.100', 6: 'fd00:77::100'} as const;
const talkers = makeTalkers();

test.before(() => {
  for (const name of Object.values(names)) execFileSync('ip', ['netns', 'add', name]);
  ip(names.client, 'link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0');
  ip(names.client, 'link', 'set', 'br0', 'up');
  ip(names.client, 'address', 'add', '10.77.0.10/24', 'dev', 'br0');
  ip(names.client, 'address', 'add', 'fd00:77::10/64', 'dev', 'br0', 'nodad');
  for (const [at, name] of [names.one, names.two].entries()) {
    ip(names.client, 'link', 'add', `v${at}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip(names.client, 'link', 'set', `v${at}`, 'master', 'br0', 'up');
    ip(name, 'link', 'set', 'lo', 'up');
    ip(name, 'link', 'set', 'eth0', 'up');
    ip(name, 'address', 'add', `10.77.0.${at + 1}/24`, 'dev', 'eth0');
    ip(name, 'address', 'add', `fd00:77::${at + 1}/64`, 'dev', 'eth0', 'nodad');
  }
});
test.afterEach.always(() => {
  talkers.end();
  for (const name of [names.one, names.two])
    for (const address of Object.values(VIP))
      // One of the two has it.
      spawnSync('ip', [
        '-n',
        name,
        'address',
        'del',
        `${address}/${address.includes(':') ? 128 : 32}`,
        'dev',
        'eth0',
      ]);
});
test.after.always(() => {
  for (const name of Object.values(names)) execFileSync('ip', ['netns', 'delete', name]);
});

const bits = (family: 4 | 6): number => (family === 4 ? 32 : 128);
function move(family: 4 | 6, from: string | undefined, to: string): void {
  if (from !== undefined) ip(from, 'address', 'del', `${VIP[family]}/${bits(family)}`, 'dev', 'eth0');
  ip(
    to,
    'address',
    'add',
    `${VIP[family]}/${bits(family)}`,
    'dev',
    'eth0',
    ...(family === 6 ? ['nodad'] : []),
  );
  ip(names.client, 'neigh', 'flush', 'all');
}
const endpoint = (family: 4 | 6) => ({family, address: VIP[family], port: 80});

for (const family of [4, 6] as const) {
  test(`IPv${family}: a connection that this machine does not know is reset without a hold`, async (t) => {
    const listener = talkers.server(names.one, 'one');
    await listener.next();
    move(family, undefined, names.one);
    const user = talkers.client(names.client, VIP[family]);
    t.is(await user.next(), 'connected');
    move(family, names.one, names.two);
    user.say('hello');
    t.is(await user.next(), 'ECONNRESET');
  });

  test(`IPv${family}: with a hold its segments wait, and it goes on where it is known`, async (t) => {
    const listener = talkers.server(names.one, 'one');
    await listener.next();
    move(family, undefined, names.one);
    const user = talkers.client(names.client, VIP[family]);
    t.is(await user.next(), 'connected');
    const hold = inside(names.two, openPacketHold);
    try {
      hold.hold({to: [endpoint(family)], from: []});
      move(family, names.one, names.two);
      user.say('hello');
      // Sent, dropped and sent again while the address is here.
      await sendsAgain(names.client);
      move(family, names.two, names.one);
      t.is(await user.next(), 'one hello');
    } finally {
      hold.close();
    }
  });

  test(`IPv${family}: with a hold a server on this machine keeps its connections, and gets new ones`, async (t) => {
    const listener = talkers.server(names.two, 'two');
    await listener.next();
    move(family, undefined, names.two);
    const before = talkers.client(names.client, VIP[family]);
    t.is(await before.next(), 'connected');
    const hold = inside(names.two, openPacketHold);
    try {
      hold.hold({to: [endpoint(family)], from: []});
      before.say('old');
      t.is(await before.next(), 'two old');
      const after = talkers.client(names.client, VIP[family]);
      t.is(await after.next(), 'connected');
      after.say('new');
      t.is(await after.next(), 'two new');
    } finally {
      hold.close();
    }
  });
}

test('answers of a held server are not passed on, and come when the hold ends', async (t) => {
  const server78 = '10.78.0.1';
  ip(names.one, 'address', 'add', `${server78}/32`, 'dev', 'lo');
  ip(names.one, 'route', 'add', '10.77.0.10', 'via', '10.77.0.2');
  ip(names.two, 'route', 'add', server78, 'via', '10.77.0.1');
  ip(names.client, 'route', 'add', server78, 'via', '10.77.0.2');
  runInside(names.two, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
  const listener = talkers.server(names.one, 'one');
  await listener.next();
  const user = talkers.client(names.client, server78);
  t.is(await user.next(), 'connected');
  const hold = inside(names.two, openPacketHold);
  try {
    hold.hold({to: [], from: [{family: 4, address: server78, port: 80}]});
    user.say('hello');
    await sendsAgain(names.one);
    hold.hold({to: [], from: []});
    t.is(await user.next(), 'one hello');
  } finally {
    hold.close();
  }
});

test('what is held is replaced as a whole, and a closed hold leaves no table', (t) => {
  // Not the program of that name among the npm tools.
  const tables = (): string => runInside(names.two, 'env', 'PATH=/usr/sbin:/sbin', 'nft', 'list', 'ruleset');
  const hold = inside(names.two, openPacketHold);
  const many = Array.from({length: 2_500}, (_, at) => `10.1.${at >> 8}.${at & 255}`);
  hold.hold({to: many.map((address) => ({family: 4, address, port: 80})), from: []});
  t.is(tables().match(/10\.1\.\d+\.\d+ \. 80/g)?.length, many.length);
  hold.hold({to: [endpoint(6)], from: [endpoint(4)]});
  const text = tables();
  t.deepEqual(text.match(/[\da-f.:]+ \. 80/g)?.toSorted(), ['10.77.0.100 . 80', 'fd00:77::100 . 80']);
  hold.close();
  t.is(tables(), '');
});
