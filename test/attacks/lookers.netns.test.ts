/**
 * Members of the read group against a live pair: four request events as fast as they can, four request and do not read, and
 * a crowd queries the peer. The supervisor's memory stays bounded, no role moves, and operators are answered.
 */
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import anyTest, {type ExecutionContext, type TestFn} from 'ava';
import {ask} from '../../src/control/client.ts';
import {controlSocket, readSocket} from '../../src/system/paths.ts';
import {makeCluster} from '../drill/cluster.ts';
import {makeNamespaces} from '../lab/namespaces.ts';
import {until} from '../lab/until.ts';

const test = anyTest.serial as unknown as TestFn;
const LIMIT = 60_000;
const ATTACK = 20_000;
const MEMORY_MOST = 200 << 20;
const site = makeNamespaces({checkout: path.resolve(import.meta.dirname, '../..'), letter: 'l'});
const cluster = makeCluster({
  site,
  keepalive: '200ms',
  deadtime: '2',
  vipOnly: true,
  media: 'hactl_read_group 61002\nhactl_push on\n',
});
const [one, two] = ['director1', 'director2'] as const;
const runDir = (name: string): string => `${cluster.directory(name)}/run`;

/** Resident octets of a process. */
const memory = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) << 10;
const supervisorOf = async (name: string): Promise<number> =>
  (await cluster.status(name))?.processes.find((process) => process.name === 'supervisor')?.pid ?? 0;
const transitions = async (): Promise<number> => {
  const all = await Promise.all([one, two].map((name) => cluster.status(name)));
  return all.reduce((sum, status) => sum + (status?.transitions.length ?? 0), 0);
};
const line = (words: object): string => `${JSON.stringify({v: 1, id: 1, ...words})}\n`;

const journal = Array.from({length: 10_000}, (_, number) =>
  JSON.stringify({
    v: 1, seq: number + 1, wall: 1_700_000_000_000 + number, mono: number, node: 'director1', kind: 'config', level: 'info',
    subject: 'configuration', text: `configuration reloaded: hactl_preempt_delay: ${number}s -> ${number + 1}s`.padEnd(200, '.'),
  }),
).join('\n'); // prettier-ignore

test.before(async () => {
  for (const name of [one, two]) {
    // oxlint-disable-next-line no-await-in-loop -- director1 must start first.
    await cluster.writeConfig(name);
    // A full journal.
    mkdirSync(`${cluster.directory(name)}/state`, {mode: 0o700, recursive: true});
    writeFileSync(`${cluster.directory(name)}/state/journal.jsonl`, journal);
    // oxlint-disable-next-line no-await-in-loop -- see above.
    await cluster.start(name);
  }
  await cluster.active(one, LIMIT);
  await cluster.whole(two, LIMIT);
  await until('director1 knows where its peer is', LIMIT, async () =>
    (await cluster.status(one))?.engine?.peers.some(({addresses = []}) => addresses.length > 0),
  );
});

test.after.always(async () => {
  await cluster.stop();
  await site.destroy();
});

/** Runs `attack` while an operator sends requests; checks memory, roles, and the answers' latency. */
async function under(t: ExecutionContext, attack: () => {stop(): void}): Promise<void> {
  const pid = await supervisorOf(one);
  const atFirst = memory(pid);
  const before = await transitions();
  const started = attack();
  const durations: number[] = [];
  let most = 0;
  const end = performance.now() + ATTACK;
  try {
    while (performance.now() < end) {
      const asked = performance.now();
      // oxlint-disable-next-line no-await-in-loop -- one request after another.
      await ask(controlSocket(runDir(one)), {command: 'status'}, 10_000);
      durations.push(performance.now() - asked);
      most = Math.max(most, memory(pid));
    }
  } finally {
    started.stop();
  }
  const slowest = Math.max(...durations);
  t.log(`supervisor ${(atFirst / 2 ** 20).toFixed(0)} MB before, ${(most / 2 ** 20).toFixed(0)} MB at most; ${durations.length} statuses, the slowest ${slowest.toFixed(0)} ms`); // prettier-ignore
  t.is(await supervisorOf(one), pid, 'the supervisor was not restarted');
  t.true(most < MEMORY_MOST, `${most} octets`);
  t.true(slowest < 5_000, `${slowest} ms`);
  t.is(await transitions(), before, 'no role moved');
}

function clients(count: number, onConnect: (socket: net.Socket) => void): {stop(): void} {
  const open = new Set<net.Socket>();
  let stopped = false;
  const connect = (): void => {
    if (stopped) return;
    const socket = net.createConnection(readSocket(runDir(one)), () => onConnect(socket));
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open.delete(socket);
      setTimeout(connect, 10);
    });
  };
  for (let number = 0; number < count; number += 1) connect();
  return {
    stop: () => {
      stopped = true;
      for (const socket of open) socket.destroy();
    },
  };
}

test('four clients that ask for all events as fast as they can', async (t) => {
  await under(t, () =>
    clients(4, (socket) => {
      socket.on('data', () => undefined);
      const pour = (): void => {
        while (!socket.destroyed && socket.write(line({command: 'events'}).repeat(100)));
      };
      socket.on('drain', pour);
      pour();
    }),
  );
});

test('four clients that ask for all events and read nothing', async (t) => {
  await under(t, () =>
    clients(4, (socket) => {
      socket.pause();
      socket.write(line({command: 'events'}).repeat(5_000));
    }),
  );
});

test('a hundred clients that say nothing, and a hundred that wait for news', async (t) => {
  await under(t, () =>
    clients(200, (socket) => {
      if (Math.random() < 0.5) socket.write(line({command: 'events', after: 1e12, wait: 30_000}));
    }),
  );
});

test('twelve clients that ask the peer keep no push away', async (t) => {
  const attack = clients(12, (socket) => {
    socket.on('data', () => socket.write(line({command: 'peer', ask: {command: 'events'}})));
    socket.write(line({command: 'peer', ask: {command: 'events'}}));
  });
  try {
    for (let round = 0; round < 5; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one push after another.
      const pushed = await ask(
        controlSocket(runDir(one)),
        {command: 'push', dryRun: true, keys: false},
        LIMIT,
      );
      t.true(pushed.ok, pushed.text);
    }
  } finally {
    attack.stop();
  }
});
