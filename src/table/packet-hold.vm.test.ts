/** Held segments beside a real IPVS: what it knows goes on, what it does not know waits. In the micro-VM. */
import {execFileSync, spawn, spawnSync, type ChildProcess} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import {createInterface} from 'node:readline';
import anyTest, {type TestFn} from 'ava';
import {openKernelIpvs, type VirtualTable} from '@hactl/ipvs';
import {openPacketHold, withNamespace} from '@hactl/net';

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
const inNamespace = (name: string, ...words: string[]): string =>
  execFileSync('ip', ['netns', 'exec', name, ...words], {encoding: 'utf8'});
const children = new Set<ChildProcess>();

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
  inNamespace(
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
  for (const child of children) child.kill('SIGKILL');
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

function inside<Result>(name: string, work: () => Result): Result {
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  try {
    return withNamespace(target, own, work);
  } finally {
    closeSync(own);
    closeSync(target);
  }
}

/** A program of node in a namespace, and its lines. */
function run(name: string, program: string) {
  const child = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.add(child);
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  return {
    say: (line: string) => void child.stdin.write(`${line}\n`),
    next: async (): Promise<string> => String((await lines.next()).value),
  };
}
const server = `require('node:net').createServer((s) => s.on('error', () => {}).on('data', (d) => s.write('real ' + d))).listen(80, () => console.log('listens'))`;
const client = `const s = require('node:net').connect(80, '${VIP}', () => console.log('connected'));
   s.on('error', (e) => console.log(e.code)).on('data', (d) => process.stdout.write(d));
   process.stdin.on('data', (d) => s.write(d))`;

function move(from: string | undefined, to: string): void {
  if (from !== undefined) ip(from, 'address', 'del', `${VIP}/32`, 'dev', 'eth0');
  ip(to, 'address', 'add', `${VIP}/32`, 'dev', 'eth0');
  ip(names.client, 'neigh', 'flush', 'all');
}

/** TCP segments that the client has sent again. */
function repeated(): number {
  const [fields = '', values = ''] = inNamespace(names.client, 'cat', '/proc/net/snmp')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'));
  return Number(values.split(' ')[fields.split(' ').indexOf('RetransSegs')]);
}

test('with a hold IPVS serves old and new connections, and one that it does not know is not reset', async (t) => {
  const listener = run(names.real, server);
  await listener.next();
  move(undefined, names.one);
  const old = run(names.client, client);
  t.is(await old.next(), 'connected');
  const held = {to: [{family: 4, address: VIP, port: 80}], from: []} as const;
  const [here, there] = [inside(names.one, openPacketHold), inside(names.two, openPacketHold)];
  try {
    here.hold(held);
    old.say('known');
    t.is(await old.next(), 'real known');
    const fresh = run(names.client, client);
    t.is(await fresh.next(), 'connected');
    fresh.say('new');
    t.is(await fresh.next(), 'real new');
    there.hold(held);
    move(names.one, names.two);
    const before = repeated();
    old.say('unknown there');
    // Each look starts a program.
    while (repeated() === before) await new Promise(setImmediate); // oxlint-disable-line no-await-in-loop -- one after another.
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
