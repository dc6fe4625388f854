/** Two directors in two namespaces: the peer's status, a named difference, a push, a crash, a rollback. */
import {readFileSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import anyTest, {type TestFn} from 'ava';
import {ask} from '../control/client.ts';
import type {Command, StatusSnapshot} from '../control/protocol.ts';
import {makeCluster} from '../../test/drill/cluster.ts';
import {until} from '../../test/lab/until.ts';
import {makeNamespaces} from '../../test/lab/namespaces.ts';
import {controlSocket} from '../system/paths.ts';
import type {AnswerTo} from '../control/answers.ts';
import type {OrderState} from '../control/orders.ts';

const test = anyTest.serial as unknown as TestFn;
const LIMIT = 60_000;
const site = makeNamespaces({checkout: path.resolve(import.meta.dirname, '../..'), letter: 'p'});
const cluster = makeCluster({
  site,
  keepalive: '200ms',
  deadtime: '2',
  vipOnly: true,
  // Its key is an md5 key: without this line a push would be refused.
  media: 'ping 10.99.0.10\nhactl_push on\n',
});
const [one, two] = ['director1', 'director2'] as const;
type Name = typeof one | typeof two;

const file = (name: Name, base: string): string => `${cluster.directory(name)}/ha.d/${base}`;
const read = (name: Name, base = 'ha.cf'): string => readFileSync(file(name, base), 'utf8');
const edit = (name: Name, from: string | RegExp, to: string, base = 'ha.cf'): void =>
  writeFileSync(file(name, base), read(name, base).replace(from, to));
const command = <const C extends Command>(name: Name, words: C): Promise<AnswerTo<C>> =>
  ask(controlSocket(`${cluster.directory(name)}/run`), words, LIMIT);
const status = async (name: Name): Promise<StatusSnapshot> => await command(name, {command: 'status'});
const hears = (name: Name): Promise<unknown> =>
  until(`${name} hears its peer`, LIMIT, async () => (await status(name)).engine?.peers[0]?.state === 'up');
const digests = async (): Promise<readonly string[]> =>
  Promise.all([one, two].map(async (name) => (await status(name)).configDigest));
const transitions = async (): Promise<number> =>
  (await Promise.all([one, two].map(status))).reduce((sum, {transitions: all}) => sum + all.length, 0);

test.before(async () => {
  for (const name of [one, two]) {
    await cluster.writeConfig(name);
    await cluster.start(name);
  }
  // Each has its own ping node: a push must not touch it.
  edit(two, 'ping 10.99.0.10', 'ping 10.99.0.11');
  await cluster.active(one, LIMIT);
  await cluster.whole(two, LIMIT);
  for (const name of [one, two]) await hears(name);
});

test.after.always(async () => {
  await cluster.stop();
  await site.destroy();
});

test('requests go to the address that the peer’s adverts come from', async (t) => {
  const snapshot = await command(one, {command: 'peer', ask: {command: 'status'}});
  t.is(snapshot.node, two);
  t.deepEqual(snapshot.engine?.peers[0]?.addresses, [site.address(one)]);
});

test('a director’s own broadcasts do not count as heard', async (t) => {
  const local = await until('both paths are heard', LIMIT, async () => {
    const paths = (await status(one)).engine?.paths ?? [];
    return paths.length > 1 && paths.every(({received}) => received > 0) && paths;
  });
  const remote = await status(two);
  for (const [index, {name, received}] of local.entries())
    t.true(received <= (remote.engine?.paths[index]?.sent ?? 0), name);
});

test('an override on one director reaches the other once they hear each other', async (t) => {
  const orderedOn = async (name: Name): Promise<readonly string[]> =>
    (await status(name)).orders?.map(({kind, target}) => `${kind} ${target}`) ?? [];
  const tell = (state: OrderState): Promise<OrderState> =>
    command(one, {command: 'peer', ask: {command: 'orders', state}});
  const drain = {kind: 'drain', address: '10.99.0.20', when: Date.now(), who: 'ann'} as const;
  await tell({orders: [drain], ended: []});
  t.deepEqual(await orderedOn(two), ['drain 10.99.0.20']);
  await t.throwsAsync(tell({orders: [{...drain, kind: 'x'}]} as unknown as OrderState), {
    message: /invalid list/,
  });

  await cluster.daemon(two)?.kill('SIGKILL', true);
  await cluster.start(two);
  // Director1 may have it before director2 was killed: the server must listen again first.
  await cluster.whole(two, LIMIT);
  await until('it is on both', LIMIT, async () => (await orderedOn(one)).length === 1);
  t.deepEqual(await orderedOn(two), ['drain 10.99.0.20']);
  await hears(one);
});

test('a push changes both without moving an address', async (t) => {
  const before = await transitions();
  edit(one, 'keepalive 200ms', 'keepalive 100ms');
  edit(one, 'deadtime 2\n', 'deadtime 1\n');
  const [first] = await digests();

  const pushed = await cluster.hactl(one, ['push']);
  t.is(pushed.status, 0, pushed.stderr);
  t.regex(pushed.stdout, /at director2:\n\s+ha\.cf:\n\s+~\s+keepalive\s+200ms -> 100ms/);
  t.regex(pushed.stdout, /in use on both\n$/);
  const [here, remote] = await digests();
  t.is(here, remote);
  t.not(here, first);
  t.true(read(two).includes('keepalive 100ms'));
  t.true(read(two).includes('ping 10.99.0.11') && !read(two).includes('ping 10.99.0.10'));
  t.is(await transitions(), before);
});

test('after a reload on one director the status names the first directive that differs', async (t) => {
  edit(two, 'hactl_preempt_delay 0', 'hactl_preempt_delay 7');
  const reloaded = await cluster.hactl(two, ['reload']);
  t.regex(reloaded.stdout, /hactl_preempt_delay\s+0s -> 7s\s+live\nreloaded: 1 change\n/);
  const problem = await until('the difference is known', LIMIT, async () => {
    const {configDifference, problems} = await status(one);
    return configDifference?.first ? problems.join('\n') : undefined;
  });
  t.is(problem, "configuration differs from director2's: ha.cf: hactl_preempt_delay: 0s here, 7s there");
  const {lines} = await command(one, {command: 'config-diff', peer: true});
  t.deepEqual(lines, ['ha.cf: hactl_preempt_delay: 0s here, 7s there']);
});

test('a rollback restores a version, and the warning disappears', async (t) => {
  const {versions} = await command(two, {command: 'config-history'});
  t.deepEqual(
    versions.map(({why}) => why),
    ['start', 'push from director1', 'reload'],
  );
  const {lines} = await command(two, {command: 'config-diff', a: 2, b: 3});
  t.true(lines.join('\n').includes('-hactl_preempt_delay 0\n+hactl_preempt_delay 7\n'), lines.join('\n'));
  const back = await cluster.hactl(two, ['config', 'rollback', '2']);
  t.is(back.status, 0, back.stderr);
  await until(
    'the warning disappears',
    LIMIT,
    async () => (await status(one)).configDifference === undefined,
  );
  const [here, remote] = await digests();
  t.is(here, remote);
});
