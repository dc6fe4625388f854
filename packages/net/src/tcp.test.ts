/** TCP connections on a private epoll, against Node's servers. */
import net from 'node:net';
import {readdirSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {TcpConnection, type TcpListener} from './tcp.ts';
import {socketAddress} from './udp.ts';

/** Starts a test server that passes on its connections; resolves to its port. */
async function serve(
  t: ExecutionContext,
  handle: (socket: net.Socket) => void,
  host = '127.0.0.1',
): Promise<number> {
  const open = new Set<net.Socket>();
  const server = net.createServer({allowHalfOpen: true}, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
    handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

interface Heard {
  readonly connection: TcpConnection;
  readonly told: string[];
  /** Resolves at this event; a failure is the event `failed ECONNRESET`. */
  when(what: string): Promise<void>;
  text(): string;
}

/** Connects and records the events. */
function connect(
  t: ExecutionContext,
  port: number,
  {host = '127.0.0.1', ...more}: Partial<TcpListener> & {host?: string; speaksFirst?: boolean} = {},
): Heard {
  const messages: string[] = [];
  const waiting: {what: string; resolve: () => void}[] = [];
  const parts: Buffer[] = [];
  const note = (what: string): void => {
    messages.push(what);
    for (const waiter of waiting) if (waiter.what === what) waiter.resolve();
  };
  const connection = new TcpConnection(
    socketAddress(host, port),
    {speaksFirst: more.speaksFirst ?? false},
    {
      connected: () => {
        note('connected');
        more.connected?.();
      },
      received: (octets) => {
        parts.push(Buffer.from(octets));
        more.received?.(octets);
        note('received');
      },
      ended: () => {
        note('ended');
        more.ended?.();
      },
      failed: ({code}) => note(`failed ${code}`),
    },
  );
  t.teardown(() => connection.close());
  return {
    connection,
    told: messages,
    when: (what) =>
      messages.includes(what)
        ? Promise.resolve()
        : new Promise((resolve, reject) => {
            // Connections do not keep the process alive; this timer does while a test waits.
            const timer = setTimeout(
              () => reject(new Error(`never "${what}", only ${messages.join(', ')}`)),
              50_000,
            );
            waiting.push({what, resolve: () => (clearTimeout(timer), resolve())});
          }),
    text: () => Buffer.concat(parts).toString('latin1'),
  };
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

for (const [family, host] of [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
] as const)
  test(`${family}: a request, its answer, then the close are reported`, async (t) => {
    const port = await serve(
      t,
      (socket) => socket.on('data', (words) => socket.end(`heard ${String(words)}`)),
      host,
    );
    for (const speaksFirst of [false, true]) {
      const line = connect(t, port, {
        host,
        speaksFirst,
        connected: () => line.connection.send(Buffer.from('hello')),
      });
      // oxlint-disable-next-line no-await-in-loop -- one after the other.
      await line.when('ended');
      t.is(line.text(), 'heard hello');
      t.is(line.told[0], 'connected');
      t.false(line.connection.closed);
    }
  });

test('data from a server that sends first and closes at once is read completely', async (t) => {
  const port = await serve(t, (socket) => socket.end('220 welcome'));
  const line = connect(t, port);
  await line.when('ended');
  t.is(line.text(), '220 welcome');
});

test('nothing listens', async (t) => {
  const line = connect(t, 1);
  t.deepEqual(line.told, [], 'no event is called from within a method');
  await line.when('failed ECONNREFUSED');
  t.true(line.connection.closed);
});

test('a connect that fails at once is reported as an event too', async (t) => {
  const line = connect(t, 80, {host: '255.255.255.255'});
  t.deepEqual(line.told, []);
  await line.when('failed ENETUNREACH');
});

test('data received before a reset is delivered', async (t) => {
  const port = await serve(t, (socket) => {
    socket.write('half an ans');
    socket.once('data', () => socket.resetAndDestroy());
  });
  const line = connect(t, port, {received: () => line.connection.send(Buffer.from('x'))});
  await line.when('failed ECONNRESET');
  t.is(line.text(), 'half an ans');
});

test('more data than the buffers hold is transferred both ways', async (t) => {
  const size = 20_000_000;
  let got = 0;
  const port = await serve(t, (socket) => {
    socket.on('data', (octets) => {
      got += octets.length;
      if (got === size + 3) socket.end(Buffer.alloc(size, 'a'));
    });
  });
  const line = connect(t, port, {
    connected: () => {
      line.connection.send(Buffer.alloc(size));
      line.connection.send(Buffer.from('end'));
    },
  });
  await line.when('ended');
  t.is(line.text().length, size);
});

test('close() sends FIN, or RST if asked for', async (t) => {
  const seen = new Map<number, string>();
  let all = (): void => undefined;
  const done = new Promise<void>((resolve) => (all = resolve));
  const port = await serve(t, (socket) => {
    const from = socket.remotePort ?? 0;
    const note = (what: string): void => {
      if (!seen.has(from)) seen.set(from, what);
      socket.end();
      if (seen.size === 2) all();
    };
    socket.on('end', () => note('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => note(error.code ?? ''));
    socket.resume();
    socket.write('you are connected');
  });
  for (const reset of [false, true]) {
    const line = connect(t, port);
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    await line.when('received');
    line.connection.close(reset);
    line.connection.close(reset);
    line.connection.send(Buffer.from('nobody hears this'));
  }
  await done;
  t.deepEqual([...seen.values()], ['end', 'ECONNRESET']);
});

// Serial: with other tests running, the descriptor could be reused elsewhere.
test.serial('a connection that reuses a descriptor gets no events of the previous one', async (t) => {
  const sockets: net.Socket[] = [];
  const port = await serve(t, (socket) => sockets.push(socket));
  const lines: Heard[] = [];
  let late: Heard | undefined;
  // The first one to get an event closes the other, whose event is already fetched, and opens a third.
  const received = (): void => {
    if (late) return;
    for (const line of lines) if (!line.told.includes('received')) line.connection.close();
    late = connect(t, 1);
  };
  for (const index of [0, 1]) {
    const line = connect(t, port, {
      received: () => {
        line.told.push('received');
        received();
      },
    });
    lines[index] = line;
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    await line.when('connected');
  }
  while (sockets.length < 2) await new Promise((resolve) => setImmediate(resolve));
  for (const socket of sockets) socket.write('x');
  while (!late) await new Promise((resolve) => setImmediate(resolve));
  await late.when('failed ECONNREFUSED');
  t.deepEqual(late.told, ['failed ECONNREFUSED']);
  t.is(lines.filter((line) => line.connection.closed).length, 1);
});

test.serial('thousands of connections leave no descriptor behind', async (t) => {
  const port = await serve(t, (socket) => socket.on('data', () => socket.end('x')));
  const once = async (): Promise<void> => {
    const line = connect(t, port, {connected: () => line.connection.send(Buffer.from('x'))});
    await line.when('ended');
    line.connection.close(true);
  };
  await once();
  const before = descriptors();
  for (let round = 0; round < 10; round += 1)
    // oxlint-disable-next-line no-await-in-loop -- round after round.
    await Promise.all(Array.from({length: 300}, once));
  // The server's sockets close in a later turn.
  const end = performance.now() + 20_000;
  while (descriptors() > before && performance.now() < end)
    await new Promise((resolve) => setImmediate(resolve));
  t.true(descriptors() <= before, `${descriptors()} descriptors, before ${before}`);
});
