/** A control socket with clients that request without reading, hold their places, or leave. */
import {mkdtempSync, rmSync} from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {until} from '../../test/lab/until.ts';
import type {Handlers} from './answers.ts';
import {ask} from './client.ts';
import type {EventsAnswer} from './events.ts';
import {handlers} from './handlers.fixture.ts';
import {answerWith} from './respond.ts';
import {serveControl, type ControlLimits} from './server.ts';

const eventsOf = (text: string): EventsAnswer => ({
  version: 1,
  node: 'd1',
  wall: 0,
  mono: 0,
  last: 1,
  events: [{v: 1, seq: 1, wall: 0, mono: 0, node: 'd1', kind: 'role', level: 'info', subject: '', text}],
});
const history = {versions: [], pushes: []};

async function start(t: ExecutionContext, given: Partial<Handlers>, limits: Partial<ControlLimits> = {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'hactl-control-'));
  const file = path.join(folder, 'control.sock');
  const server = await serveControl(file, answerWith(handlers(given)), 0o600, limits);
  t.teardown(async () => {
    await server.close();
    rmSync(folder, {recursive: true, force: true});
  });
  const connect = (): Promise<net.Socket> =>
    new Promise((resolve, reject) => {
      const socket = net.createConnection(file, () => resolve(socket));
      socket.on('error', reject);
      t.teardown(() => socket.destroy());
    });
  return {file, connect};
}
const line = (words: object): string => `${JSON.stringify({v: 1, id: 1, ...words})}\n`;

test('requests of one connection are executed one at a time, in order', async (t) => {
  let [running, most] = [0, 0];
  const {connect} = await start(t, {
    'config-rollback': async ({version}) => {
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return {ok: true, text: String(version), diagnostics: []};
    },
  });
  const socket = await connect();
  let got = '';
  socket.on('data', (chunk) => (got += String(chunk)));
  socket.write([1, 2, 3, 4, 5].map((version) => line({command: 'config-rollback', version})).join(''));
  await until('all are answered', 10_000, () => got.split('\n').length === 6);
  t.is(most, 1);
  t.deepEqual([...got.matchAll(/"text":"(\d)"/g)].map(([, version]) => version), ['1', '2', '3', '4', '5']); // prettier-ignore
});

test('a client that requests without reading is answered once or twice, then cut off', async (t) => {
  let asked = 0;
  const {connect} = await start(
    t,
    {
      events: () => {
        asked += 1;
        return Promise.resolve(eventsOf('x'.repeat(4 << 20)));
      },
    },
    {read: 300},
  );
  const socket = await connect();
  let closed = false;
  socket.pause();
  socket.on('close', () => (closed = true));
  socket.write(line({command: 'events'}).repeat(1_000));
  await until('nothing more is read from it', 10_000, () => asked === 1);
  await until('the server closed it', 10_000, () => {
    // The kernel's buffer holds earlier data; the end comes after it.
    socket.resume();
    return closed;
  });
  t.true(asked <= 2, `${asked} requests were executed`);
});

test('only a limited number of clients may leave an answer unread: the slowest is dropped first', async (t) => {
  const {connect, file} = await start(
    t,
    {events: () => Promise.resolve(eventsOf('x'.repeat(4 << 20)))},
    {unread: 3},
  );
  const slow = await Promise.all(Array.from({length: 6}, connect));
  const closed = new Set<net.Socket>();
  for (const socket of slow) {
    socket.on('close', () => closed.add(socket));
    socket.pause();
    socket.write(line({command: 'events'}));
  }
  const {events} = await ask(file, {command: 'events'}, 10_000);
  t.is(events[0]?.text.length, 4 << 20, 'a reading client is answered');
  for (const socket of slow) socket.resume();
  await until('some were cut off', 10_000, () => closed.size >= 3);
  t.true(closed.size < slow.length, `${closed.size} were cut off`);
});

test('the longest idle connection makes room for a new one', async (t) => {
  const {connect, file} = await start(t, {'config-history': async () => history}, {connections: 4});
  const idle = await Promise.all(Array.from({length: 4}, connect));
  let closed = 0;
  for (const socket of idle) socket.on('close', () => (closed += 1));
  t.deepEqual(await ask(file, {command: 'config-history'}, 10_000), history);
  await until('the longest idle connection is closed', 10_000, () => closed === 1);
});

test('with all places busy a new client gets an error, and none is cut off', async (t) => {
  let release: (() => void) | undefined;
  const {connect, file} = await start(
    t,
    {'config-history': () => new Promise((resolve) => (release = () => resolve(history)))},
    {connections: 1},
  );
  const first = await connect();
  let got = '';
  first.on('data', (chunk) => (got += String(chunk)));
  first.write(line({command: 'config-history'}));
  await until('it is being answered', 10_000, () => release !== undefined);
  await t.throwsAsync(ask(file, {command: 'config-history'}, 10_000), {message: /too many clients/});
  release?.();
  await until('the first has its answer', 10_000, () => got.includes('"ok":true'));
  t.pass();
});

test('a request that is too long ends the connection, an answer that is too long is refused', async (t) => {
  const {connect, file} = await start(
    t,
    {events: () => Promise.resolve(eventsOf('x'.repeat(2_000_000)))},
    {answer: 1 << 20},
  );
  await t.throwsAsync(ask(file, {command: 'events'}, 10_000), {message: /larger than 1 MB: ask for less/});
  const socket = await connect();
  let closed = false;
  socket.on('close', () => (closed = true));
  socket.on('error', () => undefined);
  socket.resume();
  socket.write('x'.repeat(70_000));
  await until('it is closed', 10_000, () => closed);
  t.pass();
});

test('a wait ends when the client disconnects', async (t) => {
  let signal: AbortSignal | undefined;
  const {connect} = await start(t, {
    events: (_, gone) => {
      signal = gone;
      return new Promise(() => undefined);
    },
  });
  const socket = await connect();
  socket.write(line({command: 'events', wait: 30_000}));
  await until('it is being answered', 10_000, () => signal !== undefined);
  socket.destroy();
  await until('the handler knows', 10_000, () => signal?.aborted === true);
  t.pass();
});

test('with pacing, a client that waits for events does not block another', async (t) => {
  const {connect, file} = await start(
    t,
    {events: () => new Promise(() => undefined), 'config-history': async () => history},
    {paced: true},
  );
  (await connect()).write(line({command: 'events', wait: 30_000}));
  t.deepEqual(await ask(file, {command: 'config-history'}, 10_000), history);
});

test('with pacing, requests are executed one after another', async (t) => {
  let [running, most] = [0, 0];
  const {file} = await start(
    t,
    {
      'config-history': async () => {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return history;
      },
    },
    {paced: true},
  );
  await Promise.all(Array.from({length: 8}, () => ask(file, {command: 'config-history'}, 10_000)));
  t.is(most, 1);
});
