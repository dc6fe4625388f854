/** Two processes on loopback: what is answered to whom, and what an eavesdropper can do with it. */
import {fork, type ChildProcess} from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import anyTest, {type ExecutionContext, type TestFn} from 'ava';
import {until} from '../../test/lab/until.ts';
import {askPeer} from './ask.ts';
import type {PeerCommand} from '../control/peer-commands.ts';
import type {PeerSettings} from './settings.ts';

// A process per test: all at once, none would be ready in time on a busy machine.
const test = anyTest.serial as unknown as TestFn;

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
  sources: ['127.0.0.1'],
  vips: [],
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
  const messages: string[] = [];
  let ready = false;
  child.on('message', (message: unknown) => {
    if (message === 'ready') ready = true;
    else messages.push((message as {text: string}).text);
  });
  await until('the peer listens', 60_000, () =>
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
  return {port, pid: child.pid ?? 0, said: messages, child};
}

/** The server fixture answers with this many octets, or never. */
const outcome = (id: number | 'hang') => ({command: 'push-outcome', id: String(id)}) as const;

test('an answer of any size arrives complete', async (t) => {
  const peer = await start(t);
  const size = 3_000_000;
  const answer = await askPeer(settings('one', peer.port), outcome(size), 20_000);
  t.is(answer.state, String(peer.pid));
  t.is(answer.text.length, size);
});

test('an address without an answer is followed by the next', async (t) => {
  const peer = await start(t);
  t.like(
    await askPeer(settings('one', peer.port, {addresses: ['127.0.0.9', '127.0.0.1']}), outcome(0), 20_000),
    {
      state: String(peer.pid),
    },
  );
});

test('unknown peers and forbidden commands are refused with their codes', async (t) => {
  const peer = await start(t);
  const code = async (more: Partial<PeerSettings>, command: PeerCommand = outcome(0)): Promise<unknown> =>
    askPeer(settings('one', peer.port, more), command, 10_000).then(
      () => 'answered',
      (error: {code: string}) => error.code,
    );
  const wrongKey = {id: 1, secret: 'of somebody else'};
  t.is(await code({signing: wrongKey, keys: [wrongKey]}), 'no-peer');
  t.is(await code({cluster: 'd'}), 'no-peer');
  t.is(await code({node: 'three', peers: ['two']}), 'no-peer', 'a node that is not in ha.cf');
  t.is(await code({node: 'two', peers: ['two']}), 'no-peer', 'its own name');
  t.is(await code({signing: undefined}), 'no-key');
  t.is(await code({addresses: []}), 'no-peer');
  t.is(await code({}, {command: 'stop'} as unknown as PeerCommand), 'not-for-peers');
  t.is(await code({}), 'answered');
});

test('a wrong key, a stranger and an unreachable peer give different errors', async (t) => {
  const peer = await start(t);
  const wrongKey = {id: 1, secret: 'of somebody else'};
  await t.throwsAsync(
    askPeer(settings('one', peer.port, {signing: wrongKey, keys: [wrongKey]}), outcome(0), 10_000),
    {
      message: /two cannot be asked: .*handshake failed .*: do authkeys and the cluster names match\?/,
    },
  );
  await until('it is in the log', 5_000, () =>
    Promise.resolve(peer.said.some((text) => text.includes('no key of authkeys fits')) || undefined),
  );
});

test('a handshake that ran out of time is not blamed on authkeys', async (t) => {
  const peer = await start(t);
  const silent = net.connect(peer.port, '127.0.0.1');
  t.teardown(() => silent.destroy());
  silent.on('error', () => undefined);
  silent.write(Buffer.from([0x16, 0x03, 0x01]));
  const refusal = await until('it is in the log', 30_000, () =>
    Promise.resolve(peer.said.find((text) => text.includes('was refused'))),
  );
  t.regex(refusal, /no handshake within 5 s \(ERR_TLS_HANDSHAKE_TIMEOUT\)/);
  t.notRegex(refusal, /authkeys/);
});

for (const [what, more, reason] of [
  [
    'an address that is not the peer',
    {sources: ['192.0.2.1', '2001:db8::1']},
    /127\.0\.0\.1 was refused: not an address of the peer/,
  ],
  [
    'an address of the service',
    {vips: ['127.0.0.1']},
    /127\.0\.0\.1 was refused: it connected to 127\.0\.0\.1, a virtual address/,
  ],
] as const)
  test(`requests at or from ${what} are refused even with the key`, async (t) => {
    const peer = await start(t, more);
    const error = await t.throwsAsync(askPeer(settings('one', peer.port), outcome(0), 10_000));
    t.is((error as unknown as {code: string}).code, 'no-peer');
    await until('it is in the log', 5_000, () =>
      Promise.resolve(peer.said.some((text) => reason.test(text)) || undefined),
    );
    t.false(peer.said.includes('answered'));
  });

test('a thousand connections without TLS are one log line, and the peer is answered meanwhile', async (t) => {
  const peer = await start(t);
  const garbage = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = net.connect(peer.port, '127.0.0.1', () => socket.write('GET / HTTP/1.0\r\n\r\n'));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.resume();
    });
  for (let round = 0; round < 50; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- as fast as twenty clients can.
    await Promise.all(Array.from({length: 20}, garbage));
    if (round === 25)
      // oxlint-disable-next-line no-await-in-loop -- see above.
      t.like(await askPeer(settings('one', peer.port), outcome(0), 20_000), {state: String(peer.pid)});
  }
  const lines = peer.said.filter((text) => text.startsWith('peer channel:'));
  t.is(lines.length, 1, lines.join('\n'));
  t.regex(lines[0] ?? '', /127\.0\.0\.1 was refused: it speaks no TLS 1\.2/);
});

test('read-only requests leave places for requests that change something', async (t) => {
  const peer = await start(t);
  const looks = Array.from({length: 3}, () =>
    askPeer(settings('one', peer.port), {command: 'status'}, 60_000).catch((error: Error) => error.message),
  );
  await until('they are being answered', 10_000, () =>
    Promise.resolve(peer.said.filter((text) => text === 'looks').length === 3 || undefined),
  );
  await t.throwsAsync(askPeer(settings('one', peer.port), {command: 'events'}, 20_000), {
    message: /too many requests/,
  });
  t.like(await askPeer(settings('one', peer.port), outcome(0), 20_000), {state: String(peer.pid)});
  peer.child.kill();
  await Promise.all(looks);
});

test('a peer without TLS closes the connection: the error says what to check', async (t) => {
  const old = net.createServer((socket) => socket.on('data', () => socket.destroy()));
  await new Promise<void>((resolve) => {
    old.listen(0, '127.0.0.1', resolve);
  });
  t.teardown(() => old.close());
  const {port} = old.address() as net.AddressInfo;
  await t.throwsAsync(askPeer(settings('one', port), outcome(0), 10_000), {
    message: /closed in the handshake .*does the peer's hactl speak TLS/,
  });
});

test('two directors may send each other requests at the same time', async (t) => {
  const [one, two] = [await start(t), await start(t)];
  const answers = await Promise.all(
    [one, two].flatMap(({port}) => [1, 2, 3].map(() => askPeer(settings('one', port), outcome(1), 20_000))),
  );
  t.is(answers.length, 6);
});

test('a key that is being replaced is still accepted', async (t) => {
  const newer = {id: 2, secret: 'the next one'};
  const peer = await start(t, {signing: newer, keys: [newer, key]});
  t.like(await askPeer(settings('one', peer.port), outcome(0), 20_000), {state: String(peer.pid)});
});

test('a request that the peer received and did not answer is an error and is not repeated', async (t) => {
  const peer = await start(t);
  const error = await t.throwsAsync(askPeer(settings('one', peer.port), outcome('hang'), 500));
  t.is((error as unknown as {code: string}).code, 'peer-timeout');
});

/** An eavesdropped link: forwards everything and records what the client sent. */
async function tap(t: ExecutionContext, to: number, bend: (chunk: Buffer, count: number) => Buffer) {
  const buffers: Buffer[] = [];
  const heard: Buffer[] = [];
  const server = net.createServer((socket) => {
    const upstream = net.connect(to, '127.0.0.1');
    socket.on('data', (chunk: Buffer) => {
      buffers.push(chunk);
      upstream.write(bend(chunk, buffers.length));
    });
    upstream.on('data', (chunk: Buffer) => {
      heard.push(chunk);
      socket.write(chunk);
    });
    for (const [from, till] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      from.on('close', () => till.destroy());
      from.on('error', () => till.destroy());
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.teardown(() => server.close());
  return {port: (server.address() as net.AddressInfo).port, said: buffers, heard};
}

test('a recorded conversation cannot be read, and a replay has no effect', async (t) => {
  const peer = await start(t);
  const wire = await tap(t, peer.port, (chunk) => chunk);
  await askPeer(settings('one', wire.port), outcome(40), 20_000);
  const all = Buffer.concat([...wire.said, ...wire.heard]).toString('latin1');
  t.false(all.includes('push-outcome') || all.includes('xxxx') || all.includes('state'));

  const again = net.connect(peer.port, '127.0.0.1');
  again.on('error', () => undefined);
  again.resume();
  const closed = new Promise((resolve) => again.on('close', resolve));
  again.write(Buffer.concat(wire.said));
  await closed;
  await until('the refusal is in the log', 5_000, () =>
    Promise.resolve(peer.said.some((text) => text.includes('handshake failed')) || undefined),
  );
  // The fixture reports each request that it answers.
  t.is(peer.said.filter((text) => text === 'answered').length, 1);
});

test('an octet changed in transit is detected', async (t) => {
  const peer = await start(t);
  const wire = await tap(t, peer.port, (chunk) => {
    const bent = Buffer.from(chunk);
    bent[bent.length - 1] = (bent[bent.length - 1] ?? 0) ^ 1;
    return bent;
  });
  await t.throwsAsync(askPeer(settings('one', wire.port), outcome(0), 10_000));
});

test('idle strangers do not keep the peer out', async (t) => {
  const peer = await start(t);
  const strangers = Array.from({length: 30}, () => net.connect(peer.port, '127.0.0.1'));
  for (const stranger of strangers) stranger.on('error', () => undefined);
  t.teardown(() => strangers.forEach((stranger) => stranger.destroy()));
  t.like(await askPeer(settings('one', peer.port), outcome(0), 20_000), {state: String(peer.pid)});
});
