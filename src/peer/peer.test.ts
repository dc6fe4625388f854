/** Two processes on loopback: what is answered, to whom, and what a listener on the wire can do with it. */
import {fork, type ChildProcess} from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {until} from '../../test/lab/until.ts';
import {askPeer} from './ask.ts';
import type {PeerCommand} from '../control/peer-commands.ts';
import type {PeerSettings} from './settings.ts';

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1', () => {
      const {port} = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });

const key = {id: 1, secret: 'of the cluster'};
const settings = (node: string, port: number, more: Partial<PeerSettings> = {}): PeerSettings => ({
  cluster: 'c',
  node,
  peers: [node === 'one' ? 'two' : 'one'],
  port,
  addresses: ['127.0.0.1'],
  signing: key,
  keys: [key],
  ...more,
});

interface Peer {
  readonly port: number;
  readonly pid: number;
  readonly said: string[];
  readonly child: ChildProcess;
}

/** Starts the node `two`. */
async function start(t: ExecutionContext, more: Partial<PeerSettings> = {}): Promise<Peer> {
  const port = await freePort();
  const child = fork(path.resolve(import.meta.dirname, 'serve.fixture.ts'), [
    JSON.stringify(settings('two', port, more)),
  ]);
  t.teardown(() => child.kill());
  const said: string[] = [];
  let ready = false;
  child.on('message', (message: unknown) => {
    if (message === 'ready') ready = true;
    else said.push((message as {text: string}).text);
  });
  await until('the peer listens', 20_000, () =>
    ready
      ? new Promise<true | undefined>((resolve) => {
          const socket = net.connect(port, '127.0.0.1', () => {
            socket.destroy();
            resolve(true);
          });
          socket.on('error', () => resolve(undefined));
        })
      : Promise.resolve(undefined),
  );
  return {port, pid: child.pid ?? 0, said, child};
}

/** The asked side's fixture answers with so many octets, or never. */
const outcome = (id: number | 'hang') => ({command: 'push-outcome', id: String(id)}) as const;

test('the peer answers, whole, whatever the size', async (t) => {
  const peer = await start(t);
  const size = 3_000_000;
  const answer = await askPeer(settings('one', peer.port), outcome(size), 20_000);
  t.is(answer.state, String(peer.pid));
  t.is(answer.text.length, size);
});

test('an address where nobody answers is followed by the next one', async (t) => {
  const peer = await start(t);
  t.like(
    await askPeer(settings('one', peer.port, {addresses: ['127.0.0.9', '127.0.0.1']}), outcome(0), 20_000),
    {
      state: String(peer.pid),
    },
  );
});

test('what is refused, and how it is said', async (t) => {
  const peer = await start(t);
  const code = async (more: Partial<PeerSettings>, command: PeerCommand = outcome(0)): Promise<unknown> =>
    askPeer(settings('one', peer.port, more), command, 10_000).then(
      () => 'answered',
      (error: {code: string}) => error.code,
    );
  const other = {id: 1, secret: 'of somebody else'};
  t.is(await code({signing: other, keys: [other]}), 'no-peer');
  t.is(await code({cluster: 'd'}), 'no-peer');
  t.is(await code({node: 'three', peers: ['two']}), 'no-peer', 'a node that ha.cf does not have');
  t.is(await code({node: 'two', peers: ['two']}), 'no-peer', 'its own name');
  t.is(await code({signing: undefined}), 'no-key');
  t.is(await code({addresses: []}), 'no-peer');
  t.is(await code({}, {command: 'stop'} as unknown as PeerCommand), 'not-for-peers');
  t.is(await code({}), 'answered');
});

test('a key that is being replaced still opens the door', async (t) => {
  const newer = {id: 2, secret: 'the next one'};
  const peer = await start(t, {signing: newer, keys: [newer, key]});
  t.like(await askPeer(settings('one', peer.port), outcome(0), 20_000), {state: String(peer.pid)});
});

test('a peer that takes the question and does not answer: that is said, and it is not asked again', async (t) => {
  const peer = await start(t);
  const error = await t.throwsAsync(askPeer(settings('one', peer.port), outcome('hang'), 500));
  t.is((error as unknown as {code: string}).code, 'peer-timeout');
});

/** A wire that is listened to: passes everything on and keeps what the asking side said. */
async function tap(t: ExecutionContext, to: number, bend: (chunk: Buffer, count: number) => Buffer) {
  const said: Buffer[] = [];
  const heard: Buffer[] = [];
  const server = net.createServer((one) => {
    const other = net.connect(to, '127.0.0.1');
    one.on('data', (chunk: Buffer) => {
      said.push(chunk);
      other.write(bend(chunk, said.length));
    });
    other.on('data', (chunk: Buffer) => {
      heard.push(chunk);
      one.write(chunk);
    });
    for (const [from, till] of [
      [one, other],
      [other, one],
    ] as const) {
      from.on('close', () => till.destroy());
      from.on('error', () => till.destroy());
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.teardown(() => server.close());
  return {port: (server.address() as net.AddressInfo).port, said, heard};
}

test('nothing of a conversation can be read, and all of it said again brings nothing', async (t) => {
  const peer = await start(t);
  const wire = await tap(t, peer.port, (chunk) => chunk);
  await askPeer(settings('one', wire.port), outcome(40), 20_000);
  const all = Buffer.concat([...wire.said, ...wire.heard]).toString('latin1');
  t.false(all.includes('push-outcome') || all.includes('xxxx') || all.includes('state'));

  const again = net.connect(peer.port, '127.0.0.1');
  const back: Buffer[] = [];
  again.on('data', (chunk: Buffer) => back.push(chunk));
  again.on('error', () => undefined);
  const closed = new Promise((resolve) => again.on('close', resolve));
  again.write(Buffer.concat(wire.said));
  await closed;
  // A greeting is all it gets: 4 octets of length, 40 of the frame, 17 of the greeting.
  t.is(Buffer.concat(back).length, 61);
  await until('the refusal is in the log', 5_000, () =>
    Promise.resolve(peer.said.some((text) => text.includes('not fresh')) || undefined),
  );
});

test('an octet that was changed on the way is noticed', async (t) => {
  const peer = await start(t);
  const wire = await tap(t, peer.port, (chunk) => {
    const bent = Buffer.from(chunk);
    bent[bent.length - 1] = (bent[bent.length - 1] ?? 0) ^ 1;
    return bent;
  });
  await t.throwsAsync(askPeer(settings('one', wire.port), outcome(0), 10_000));
});

test('strangers who say nothing do not keep the peer out', async (t) => {
  const peer = await start(t);
  const strangers = Array.from({length: 30}, () => net.connect(peer.port, '127.0.0.1'));
  for (const stranger of strangers) stranger.on('error', () => undefined);
  t.teardown(() => strangers.forEach((stranger) => stranger.destroy()));
  t.like(await askPeer(settings('one', peer.port), outcome(0), 20_000), {state: String(peer.pid)});
});
