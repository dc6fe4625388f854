/**
 * A UDP client that keeps its port, and the server that it is on fails: with the server in the table at weight 0, and removed;
 * with and without connection sync. Needs IPVS: runs in the micro-VM.
 */
import {fileURLToPath} from 'node:url';
import anyTest, {type TestFn} from 'ava';
import type {FailedServer} from './messages.ts';
import {makePair, said, services, until, type Pair, type Side, type SyncProcess} from './pair.fixture.ts';

const test = anyTest.serial as unknown as TestFn;
const FLOW = fileURLToPath(new URL('udp-flow.fixture.ts', import.meta.url));
const LIMIT = 60_000;
const SERVERS = ['10.96.0.2', '10.96.0.3'] as const;
const service = {kind: 'address', family: 4, protocol: 'udp', address: '10.96.0.100', port: 80} as const;
const failed = (...addresses: string[]): FailedServer[] =>
  addresses.map((address) => ({service, address, port: 8_080}));
const other = (address: string): string => SERVERS.find((server) => server !== address)!;

let pair: Pair;
let sync: SyncProcess;
let client: ReturnType<Pair['start']>;
/** Addresses of the answers, oldest first. */
let answers: string[] = [];

const admin = (...words: string[]): string => pair.run('one', 'ipvsadm', ...words);
const weigh = (address: string, weight: number): void =>
  void admin('-e', '-u', '10.96.0.100:80', '-r', `${address}:8080`, '-m', '-w', String(weight));
const listed = (side: Side, kind: string): {address: string; left: number}[] =>
  [...pair.connections(side)]
    .filter(([key]) => key.startsWith(kind) && key.includes('10.96.0.100:80 '))
    .map(([key, left]) => ({address: key.split(' ').at(-1)!.replace(':8080', ''), left}));
const streamsTo = (address: string): number =>
  listed('one', 'TCP').filter((stream) => stream.address === address).length;
/**
 * The server of the client's flow: the entry that lives longest. The kernel keeps the one that it replaced for a minute more
 * if a packet held it at that moment.
 */
const flowServer = (side: Side): string | undefined =>
  listed(side, 'UDP').toSorted((left, right) => right.left - left.left)[0]?.address;
const answering = async (what: string, address: string): Promise<void> => {
  answers = [];
  await until(what, LIMIT, () => answers.length >= 5 && answers.slice(-5).every((from) => from === address));
};

test.before(async () => {
  pair = makePair('hf');
  for (const side of ['one', 'other'] as const) {
    services(pair, side);
    pair.run(side, 'ipvsadm', '-a', '-u', '10.96.0.100:80', '-r', '10.96.0.3:8080', '-m');
  }
  client = pair.start('one', FLOW);
  client.on('message', (address: string) => answers.push(address));
  await said(client);
});
test.after.always(() => pair?.destroy());

test('without connection sync, weight 0: a failed server’s flow moves, a drained one’s stays; no daemon is left', async (t) => {
  sync = pair.startSync('one', undefined);
  await until(
    'it runs, and the client is answered',
    LIMIT,
    () => sync.status() !== undefined && answers.length >= 5,
  );
  const [first] = answers.slice(-1);
  weigh(first!, 0);
  sync.send({type: 'flows', failed: []});
  answers = [];
  await until('a hundred answers', LIMIT, () => answers.length >= 100);
  t.deepEqual([...new Set(answers)], [first], 'drained');

  client.send(first!);
  const started = performance.now();
  sync.send({type: 'flows', failed: failed(first!)});
  await answering('the other server answers', other(first!));
  t.log(`five answers of the other server after ${(performance.now() - started).toFixed(0)} ms`);
  t.is(flowServer('one'), other(first!));
  await until('the daemon is gone', LIMIT, () => admin('-l', '--daemon').trim() === '');
  t.regex(admin('-l', '-n', '-u', '10.96.0.100:80'), new RegExp(`${first}:8080 +Masq +0 +0 +[01]`));
  t.regex(admin('-l', '-n', '-u', '10.96.0.100:80'), new RegExp(`${other(first!)}:8080 +Masq +1 +0 +1`), 'inactive, as UDP is'); // prettier-ignore
  weigh(first!, 1);
  sync.send({type: 'flows', failed: []});
});

test('without connection sync, a removed server beside TCP: its flow moves, its TCP connections stay', async (t) => {
  client.send('up');
  const [current] = answers.slice(-1);
  t.is(pair.run('one', 'cat', '/proc/sys/net/ipv4/vs/expire_nodest_conn').trim(), '0');
  const streams = streamsTo(current!);
  t.true(streams > 0);
  for (const kind of ['-t', '-u']) admin('-d', kind, '10.96.0.100:80', '-r', `${current}:8080`);
  sync.send({type: 'flows', failed: failed(current!)});
  await answering('the other server answers', other(current!));
  t.is(streamsTo(current!), streams);
  for (const kind of ['-t', '-u']) admin('-a', kind, '10.96.0.100:80', '-r', `${current}:8080`, '-m');
  await until('the daemon is gone', LIMIT, () => admin('-l', '--daemon').trim() === '');
});

test('with connection sync, weight 0: the flow moves on both directors', async (t) => {
  const peer = pair.startSync('other', false);
  sync.send({type: 'configure', ...pair.settingsOf('one', true)});
  await until('in sync', LIMIT, () =>
    [sync, peer].every((side) => side.status()?.report?.phase === 'in-sync'),
  );
  const [current] = answers.slice(-1);
  await until('the peer has the flow', LIMIT, () => flowServer('other') === current);
  pair.run('other', 'ipvsadm', '-e', '-u', '10.96.0.100:80', '-r', `${current}:8080`, '-m', '-w', '0');
  weigh(current!, 0);
  client.send(current!);
  for (const side of [sync, peer]) side.send({type: 'flows', failed: failed(current!)});
  await answering('the other server answers', other(current!));
  await until('the peer’s kernel, too', LIMIT, () => flowServer('other') === other(current!));
  t.is(flowServer('one'), other(current!));
  t.is(peer.status()?.report?.phase, 'in-sync');
  await peer.stop();
});

test('connection sync removed by a reload: the kernel’s daemons end', async (t) => {
  t.is(admin('-l', '--daemon').trim().split('\n').length, 2);
  sync.send({type: 'configure', ...pair.settingsOf('one', true), groups: []});
  await until('no daemon is left', LIMIT, () => admin('-l', '--daemon').trim() === '');
  await sync.stop();
});
