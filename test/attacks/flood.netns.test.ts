/**
 * Strangers flood the heartbeat port of a live pair: the kernel drops datagrams that are no adverts of this cluster or came
 * through a router, before they wake the engine. Its CPU time and lateness do not change, and no role moves.
 */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import anyTest, {type TestFn} from 'ava';
import {encodeAdvert} from '../../packages/failover/src/advert.ts';
import {shortHash} from '../../packages/failover/src/auth.ts';
import {peerAdvert} from '../../packages/failover/src/machine/scene.fixture.ts';
import {ask} from '../../src/control/client.ts';
import {controlSocket} from '../../src/system/paths.ts';
import {makeCluster} from '../drill/cluster.ts';
import {makeNamespaces} from '../lab/namespaces.ts';
import {until} from '../lab/until.ts';

const test = anyTest.serial as unknown as TestFn;
const LIMIT = 60_000;
const FLOOD = 5_000;
/** A clock tick of /proc in milliseconds, on every Linux. */
const TICK = 10;
/** Maximum share of a core that a flood may cost the engine, including the measurement itself. */
const SHARE_MOST = 0.05;
const site = makeNamespaces({checkout: path.resolve(import.meta.dirname, '../..'), letter: 'f'});
const cluster = makeCluster({site, keepalive: '200ms', deadtime: '2', vipOnly: true});
const [one, two] = ['director1', 'director2'] as const;
const flooder = path.join(import.meta.dirname, 'flood.fixture.ts');

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

/** CPU time of a process so far, milliseconds. */
function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * TICK;
}

const advert = (name: string): Buffer =>
  encodeAdvert(peerAdvert({}, {cluster: shortHash(name)}), {id: 1, method: 'sha256', secret: 'not it'});

for (const [what, bytes, ttl] of [
  ['noise', Buffer.alloc(108, 0x5a), 255],
  ['adverts of another cluster', advert('the neighbours'), 255],
  ['octets one at a time', Buffer.from('x'), 255],
  ['forged adverts from behind a router', advert('linux-ha'), 254],
] as const)
  test(`a flood of ${what} costs the engine nothing, and no role moves`, async (t) => {
    t.timeout(5 * LIMIT);
    const before = await cluster.status(one);
    const engine = before?.engine;
    t.truthy(engine);
    if (!engine) return;
    const roles = async (): Promise<number> => (await cluster.status(two))?.transitions.length ?? 0;
    const [moved, started, clock] = [await roles(), processorTime(engine.pid), performance.now()];
    const {stdout, stderr} = await site.run('client', [
      site.node,
      flooder,
      site.device('client'),
      site.address(one),
      '694',
      String(ttl),
      bytes.toString('hex'),
      String(FLOOD),
    ]);
    const spent = processorTime(engine.pid) - started;
    const share = spent / (performance.now() - clock);
    const after = await until('the engine answers', LIMIT, async () => (await cluster.status(one))?.engine);
    const dropped = (status: typeof engine): number =>
      Math.max(...status.paths.map((heartbeat) => heartbeat.dropped));
    t.log(
      `${Number(stdout)} sent, ${dropped(after) - dropped(engine)} dropped by the kernel; the engine used ${(100 * share).toFixed(1)} % of a core; lateness p99 ${after.lateness.p99.toFixed(1)} ms`,
    );
    t.true(Number(stdout) > 50_000, stderr);
    t.true(dropped(after) - dropped(engine) >= Number(stdout) / 2, 'the kernel dropped them');
    t.true(share < SHARE_MOST, `${(100 * share).toFixed(1)} % of a core`);
    t.is(after.pid, engine.pid);
    t.is(await roles(), moved, 'no role moved');
    const events = await ask(controlSocket(`${cluster.directory(one)}/run`), {command: 'events'}, LIMIT);
    t.deepEqual(
      events.events.filter(({kind, wall}) => kind === 'role' && wall > (before?.wall ?? 0)),
      [],
    );
  });
