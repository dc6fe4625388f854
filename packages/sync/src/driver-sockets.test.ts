import dgram from 'node:dgram';
import {abi, bindSocket, closeFd, openSocket, receive, socketAddress} from '@hactl/net';
import test from 'ava';
import {makePortSockets, queuedIn} from './driver-sockets.ts';

const HOST = '127.0.0.1';

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
  const {port} = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

test('each reading is current: a datagram waits in an own socket, then it was read; nothing once closed', async (t) => {
  const port = await freePort();
  const fd = openSocket(abi.AF_INET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0, 'test');
  t.teardown(() => closeFd(fd));
  bindSocket(fd, socketAddress(HOST, port), 'test');
  const sockets = makePortSockets(HOST, port);
  t.deepEqual(sockets.queues('kernel'), []);
  t.deepEqual(
    sockets.queues('own').map(({queued, drops}) => [queued, drops]),
    [[0, 0]],
  );

  const sender = dgram.createSocket('udp4');
  t.teardown(() => sender.close());
  // Over lo it is in the socket when the send returns.
  await new Promise((resolve) => sender.send('x', port, HOST, resolve));
  t.true(queuedIn(sockets.queues('own')) > 0);
  t.is(receive(fd, Buffer.alloc(10), 0), 1);
  t.is(queuedIn(sockets.queues('own')), 0);

  sockets.close();
  sockets.close();
  t.deepEqual(sockets.queues('own'), []);
});
