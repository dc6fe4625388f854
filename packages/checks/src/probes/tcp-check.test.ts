/** The frame of a TCP check: one verdict, one deadline, no socket left behind. */
import net from 'node:net';
import {systemClock} from '@hactl/base';
import test, {type ExecutionContext} from 'ava';
import {checkOf, freePort} from './testing.ts';
import {overTcp} from './tcp-check.ts';

/** A server that passes on its connections; `left` counts those closed by the clients. */
async function serve(
  t: ExecutionContext,
  handle: (socket: net.Socket) => void = () => undefined,
): Promise<{port: number; left: (count: number) => Promise<void>}> {
  let closed = 0;
  let tell = (): void => undefined;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      closed += 1;
      tell();
    });
    socket.resume();
    handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const left = (count: number): Promise<void> =>
    new Promise((resolve) => {
      tell = () => {
        if (closed >= count) resolve();
      };
      tell();
    });
  return {port: (server.address() as net.AddressInfo).port, left};
}

const AMPLE = 60_000;
const fine = {passed: true, reason: 'fine'};

test('the reason is the progress followed by the finding', async (t) => {
  const {port, left} = await serve(t);
  const result = await overTcp(checkOf('x', port), AMPLE, systemClock, async (line) => {
    await line.connect();
    return fine;
  });
  t.true(result.passed);
  t.regex(result.reason, /^connected in \d+ ms, fine$/);
  await left(1);
});

test('a farewell that never ends leaves no socket', async (t) => {
  const {port, left} = await serve(t);
  const result = await overTcp(checkOf('x', port), AMPLE, systemClock, async (line) => {
    await line.connect();
    return {...fine, goodbye: new Promise(() => undefined)};
  });
  t.true(result.passed);
  await left(1);
});

test('the farewell is sent before the connection closes', async (t) => {
  let heard = '';
  const {port, left} = await serve(t, (socket) => socket.on('data', (text) => (heard += String(text))));
  await overTcp(checkOf('x', port), AMPLE, systemClock, async (line) => {
    const socket = await line.connect();
    return {...fine, goodbye: new Promise((resolve) => void socket.end('bye', () => resolve(undefined)))};
  });
  await left(1);
  t.is(heard, 'bye');
});

test('at the limit the reason names the current step, and all sockets are closed', async (t) => {
  const {port, left} = await serve(t);
  const result = await overTcp(checkOf('x', port), 1_000, systemClock, async (line) => {
    await line.connect();
    await line.connect();
    line.phase('waiting for Godot');
    return new Promise(() => undefined);
  });
  t.false(result.passed);
  t.regex(result.reason, /no answer within 1000 ms \(waiting for Godot\)$/);
  await left(2);
});

test('a socket opened after the verdict is closed too', async (t) => {
  const {port, left} = await serve(t);
  let tell: (socket: net.Socket) => void = () => undefined;
  const late = new Promise<net.Socket>((resolve) => (tell = resolve));
  const result = await overTcp(checkOf('x', port), 1_000, systemClock, async (line) => {
    const socket = await line.connect();
    await new Promise((resolve) => socket.once('close', resolve));
    tell(line.track(net.connect({host: '127.0.0.1', port})));
    return fine;
  });
  t.false(result.passed);
  await left(1);
  t.true((await late).destroyed);
});

test('the conversation’s own error is the reason', async (t) => {
  const {port, left} = await serve(t);
  const result = await overTcp(checkOf('x', port), AMPLE, systemClock, async (line) => {
    await line.connect();
    throw new Error('the cat is out');
  });
  t.regex(result.reason, /^connected in \d+ ms, the cat is out$/);
  await left(1);
});

test('a server that closes or resets fails with the step', async (t) => {
  const wait = async (end: (socket: net.Socket) => void): Promise<string> => {
    const {port} = await serve(t, end);
    const result = await overTcp(checkOf('x', port), AMPLE, systemClock, async (line) => {
      const socket = await line.connect();
      socket.resume();
      return new Promise(() => undefined);
    });
    t.false(result.passed);
    return result.reason;
  };
  t.regex(await wait((socket) => socket.end()), /closed the connection \(waiting for the answer\)$/);
  t.regex(await wait((socket) => socket.resetAndDestroy()), /was reset|closed the connection/);
});

test('a closed port is refused, without progress text', async (t) => {
  const port = await freePort();
  const result = await overTcp(checkOf('x', port), AMPLE, systemClock, async (line) => {
    await line.connect();
    return fine;
  });
  t.is(result.reason, `connection to 127.0.0.1 port ${port} refused: nothing listens there`);
});

test('TLS with a server that does not speak it fails', async (t) => {
  const {port, left} = await serve(t, (socket) => socket.write('220 mail.example.org ESMTP\r\n'));
  const result = await overTcp(checkOf('x', port), AMPLE, systemClock, async (line) => {
    await line.secure(await line.connect());
    return fine;
  });
  t.false(result.passed);
  t.regex(result.reason, /^connected in \d+ ms, TLS handshake failed: /);
  await left(1);
});
