/** A third host floods the peer port of a live pair with connections: that costs one log line a minute and nothing else. */
import path from 'node:path';
import anyTest, {type TestFn} from 'ava';
import {ask} from '../../src/control/client.ts';
import {controlSocket} from '../../src/system/paths.ts';
import {makeCluster} from '../drill/cluster.ts';
import {makeNamespaces} from '../lab/namespaces.ts';
import {until} from '../lab/until.ts';

const test = anyTest.serial as unknown as TestFn;
const LIMIT = 60_000;
const site = makeNamespaces({checkout: path.resolve(import.meta.dirname, '../..'), letter: 'q'});
const cluster = makeCluster({site, keepalive: '200ms', deadtime: '2', vipOnly: true});
const [one, two] = ['director1', 'director2'] as const;
const socketOf = (name: string): string => controlSocket(`${cluster.directory(name)}/run`);

test.before(async () => {
  for (const name of [one, two]) {
    // oxlint-disable-next-line no-await-in-loop -- director1 must start first.
    await cluster.writeConfig(name);
    // oxlint-disable-next-line no-await-in-loop -- see above.
    await cluster.start(name);
  }
  await cluster.active(one, LIMIT);
  await cluster.whole(two, LIMIT);
});

test.after.always(async () => {
  await cluster.stop();
  await site.destroy();
});

/** Connects repeatedly for `ms`, sends `text`, and prints the number of connections and of octets received. */
const flood = (host: string, text: string, ms: number): string => `
  import net from 'node:net';
  let connected = 0, octets = 0, open = 0, said = false;
  const end = Date.now() + ${ms};
  const again = () => {
    if (Date.now() > end) { if (open === 0 && !said) { said = true; console.log(JSON.stringify({connected, octets})); } return; }
    open += 1;
    const socket = net.connect(6944, '${host}', () => { connected += 1; socket.write(${JSON.stringify(text)}); });
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (chunk) => { octets += chunk.length; });
    socket.on('error', () => undefined);
    socket.on('close', () => { open -= 1; setImmediate(again); });
  };
  for (let n = 0; n < 8; n += 1) again();
`;

for (const [what, host, text] of [
  ['at the director', () => site.address(one), 'GET / HTTP/1.0\r\n\r\n'],
  ['at the address of the service', () => site.vip, '\u0016\u0003\u0001\u0002\u0000\u0001'],
] as const)
  test(`a flood of connections ${what}: no octet in answer, one log line a minute, no role moves`, async (t) => {
    t.timeout(5 * LIMIT);
    const before = await ask(socketOf(one), {command: 'events', kinds: ['stranger']}, LIMIT);
    const client = 'client';
    const outcome = await site.run(client, [
      site.node,
      '--input-type=module',
      '-e',
      flood(host(), text, 15_000),
    ]);
    const {connected, octets} = JSON.parse(outcome.stdout || '{}') as {connected: number; octets: number};
    t.log(`${connected} connections in 15 s`);
    t.true(connected > 500, outcome.stderr);
    t.is(octets, 0);
    const after = await ask(socketOf(one), {command: 'events', kinds: ['stranger']}, LIMIT);
    const added = after.events.length - before.events.length;
    t.true(added <= 3, `${added} events`);
    const roles = await ask(socketOf(two), {command: 'events', kinds: ['role'], since: before.wall}, LIMIT);
    t.false(
      roles.events.some(({data}) => data?.to === 'Active'),
      'director2 accepted nothing',
    );
    await until('the peer is answered', LIMIT, () =>
      ask(socketOf(two), {command: 'peer', ask: {command: 'status'}}, LIMIT).then(
        ({node}) => node === one,
        () => false,
      ),
    );
  });
