/** Held segments beside a real IPVS: what it knows goes on, what it does not know waits. In the micro-VM. */
import {execFileSync, spawnSync} from 'node:child_process';
import anyTest, {type TestFn} from 'ava';
import {openKernelIpvs, type VirtualTable} from '@hactl/ipvs';
import {openPacketHold} from '@hactl/net';
import {inside, makeTalkers, runInside, sendsAgain} from '../../test/lab/namespace-work.ts';

const test = anyTest.serial as unknown as TestFn;
const VIP = '10.77.0.100';
const names = {
  client: `hactl-pc-${process.pid}`,
  one: `hactl-p1-${process.pid}`,
  two: `hactl-p2-${process.pid}`,
  real: `hactl-pr-${process.pid}`,
};
const ip = (where: string, ...words: string[]): void =>
  void execFileSync('ip', ['-n', where, ...words], {stdio: ['ignore', 'ignore', 'inherit']});
const talkers = makeTalkers();

test.before(async () => {
  for (const name of Object.values(names)) execFileSync('ip', ['netns', 'add', name]);
  ip(names.client, 'link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0');
  ip(names.client, 'link', 'set', 'br0', 'up');
  ip(names.client, 'address', 'add', '10.77.0.10/24', 'dev', 'br0');
  for (const [at, name] of [names.one, names.two, names.real].entries()) {
    ip(names.client, 'link', 'add', `v${at}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip(names.client, 'link', 'set', `v${at}`, 'master', 'br0', 'up');
    ip(name, 'link', 'set', 'lo', 'up');
    ip(name, 'link', 'set', 'eth0', 'up');
    ip(name, 'address', 'add', `10.77.0.${at + 1}/24`, 'dev', 'eth0');
  }
  runInside(
    names.real,
    'sh',
    '-c',
    'echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore; echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce',
  );
  ip(names.real, 'address', 'add', `${VIP}/32`, 'dev', 'lo');
  for (const name of [names.one, names.two]) {
    const ipvs = await inside(name, () => openKernelIpvs()); // oxlint-disable-line no-await-in-loop -- two namespaces.
    await ipvs.apply({type: 'new-service', service: web.service}); // oxlint-disable-line no-await-in-loop -- as above.
    for (const destination of web.destinations)
      await ipvs.apply({type: 'new-dest', key: web.service.key, destination}); // oxlint-disable-line no-await-in-loop -- as above.
    ipvs.close();
  }
});
test.after.always(() => {
  talkers.end();
  for (const name of Object.values(names)) spawnSync('ip', ['netns', 'delete', name]);
});

const web: VirtualTable = {
  service: {
    key: {kind: 'address', family: 4, protocol: 'tcp', address: VIP, port: 80},
    scheduler: 'rr',
    flags: {ops: false, flag1: false, flag2: false, flag3: false},
    netmask: 32,
  },
  destinations: [
    {
      family: 4,
      address: '10.77.0.3',
      port: 80,
      forward: 'gate',
      weight: 1,
      upperThreshold: 0,
      lowerThreshold: 0,
    },
  ],
};

function move(from: string | undefined, to: string): void {
  if (from !== undefined) ip(from, 'address', 'del', `${VIP}/32`, 'dev', 'eth0');
  ip(to, 'address', 'add', `${VIP}/32`, 'dev', 'eth0');
  ip(names.client, 'neigh', 'flush', 'all');
}

test('with a hold IPVS serves old and new connections, and one that it does not know is not reset', async (t) => {
  const listener = talkers.server(names.real, 'real');
  await listener.next();
  move(undefined, names.one);
  const old = talkers.client(names.client, VIP);
  t.is(await old.next(), 'connected');
  const held = {to: [{family: 4, address: VIP, port: 80}], from: []} as const;
  const [here, there] = [inside(names.one, openPacketHold), inside(names.two, openPacketHold)];
  try {
    here.hold(held);
    old.say('known');
    t.is(await old.next(), 'real known');
    const fresh = talkers.client(names.client, VIP);
    t.is(await fresh.next(), 'connected');
    fresh.say('new');
    t.is(await fresh.next(), 'real new');
    there.hold(held);
    move(names.one, names.two);
    old.say('unknown there');
    await sendsAgain(names.client);
    move(names.two, names.one);
    t.is(await old.next(), 'real unknown there');
    there.hold({to: [], from: []});
    move(names.one, names.two);
    old.say('without a hold');
    t.is(await old.next(), 'ECONNRESET');
  } finally {
    here.close();
    there.close();
  }
});
