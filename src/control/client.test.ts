/** hactl's side of the control socket, with a server that is no daemon. */
import {mkdtempSync, rmSync} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {ask, ControlError} from './client.ts';

/** A server that answers each connection's first data with `answer`. */
async function hostile(t: ExecutionContext, answer: (socket: net.Socket) => void): Promise<string> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-hostile-'));
  const file = path.join(folder, 'control.sock');
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => answer(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(file, resolve);
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(folder, {recursive: true, force: true});
  });
  return file;
}

for (const [title, answer] of [
  ['no JSON', 'HTTP/1.1 400 Bad Request\n'],
  ['an empty line', '\n'],
  ['null', 'null\n'],
  ['a number', '7\n'],
  ['a list', '[]\n'],
  ['neither success nor error', '{"id":1}\n'],
  ['a success without a result', '{"id":1,"ok":true}\n'],
  ['an error without a message', '{"id":1,"ok":false,"error":{"code":"x"}}\n'],
  ['an error that is a text', '{"id":1,"ok":false,"error":"no"}\n'],
  ['a nest of a million lists', `${'['.repeat(1_000_000)}\n`],
] as const)
  test(`an answer that is ${title} is reported with the socket's path`, async (t) => {
    const file = await hostile(t, (socket) => socket.write(answer));
    const error = await t.throwsAsync(ask(file, {command: 'status'}, 20_000), {instanceOf: ControlError});
    t.is(error?.code, 'strange-answer');
    t.true(error?.message.includes(file), error?.message);
  });

test('an answer without end is given up', async (t) => {
  const file = await hostile(t, (socket) => {
    const piece = 'x'.repeat(1 << 20);
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
  });
  const error = await t.throwsAsync(ask(file, {command: 'status'}, 60_000), {instanceOf: ControlError});
  t.regex(error?.message ?? '', /answers with more than 32 MB/);
});
