/** A message on the peer channel is bounded in octets and in pieces. */
import {PassThrough} from 'node:stream';
import type net from 'node:net';
import test from 'ava';
import {onLine} from './tls.ts';

/** The stream's part of a socket. */
const stream = (): net.Socket => new PassThrough() as unknown as net.Socket;
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a line in a few pieces arrives', async (t) => {
  const socket = stream();
  const lines: string[] = [];
  onLine(socket, 100, (line) => lines.push(line));
  for (const octet of 'a line\nrest') socket.write(octet);
  await settled();
  t.deepEqual(lines, ['a line']);
  t.false(socket.destroyed);
});

test('a message in a hundred thousand crumbs ends the connection: each takes memory', async (t) => {
  const socket = stream();
  onLine(socket, 8 << 20, () => t.fail());
  for (let sent = 0; sent < 100_000 && !socket.destroyed; sent += 1) {
    socket.write('x');
    // oxlint-disable-next-line no-await-in-loop -- as the stream takes them.
    if (sent % 1_000 === 0) await settled();
  }
  t.true(socket.destroyed);
});
