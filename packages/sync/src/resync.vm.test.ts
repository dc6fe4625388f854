/** Two directors on a real kernel: one's table arrives at the other. Needs IPVS: runs in the micro-VM. */
import {fileURLToPath} from 'node:url';
import anyTest, {type TestFn} from 'ava';
import {
  makePair,
  said,
  services,
  until,
  untilStalled,
  type Pair,
  type Side,
  type SyncProcess,
} from './pair.fixture.ts';

const test = anyTest.serial as unknown as TestFn;
const TRAFFIC = fileURLToPath(new URL('traffic.fixture.ts', import.meta.url));
const SEED = fileURLToPath(new URL('seed.fixture.ts', import.meta.url));
const ATTACKER = fileURLToPath(new URL('attacker.fixture.ts', import.meta.url));
const CONNECTIONS = 60;
const LIMIT = 60_000;
/** Generous: nothing else needs the processor here, and the machine may be emulated. */
const AUDIT = {pause: 1_500, share: 0.5};
let pair: Pair;

const report = (process: SyncProcess) => process.status()?.report;

/** Connections of the sender that the other kernel lacks, has in another state, or with another destination. */
const lacks = (from: Side, to: Side): string[] => {
  const remote = pair.connections(to);
  return [...pair.connections(from).keys()].filter((key) => !remote.has(key));
};

test.before(() => {
  pair = makePair('hs', {third: true});
  for (const side of ['one', 'other'] as const) services(pair, side);
});
test.after.always(() => pair?.destroy());

let one: SyncProcess;
let other: SyncProcess;
let attacker: ReturnType<Pair['start']>;
/** A connection that has ended. */
let gone: string[] = [];

const ends = (side: Side): number => {
  const remote = pair.connections(side);
  return gone.filter((key) => remote.has(key)).length;
};

test('alone: no peer to learn from, the daemons run on lo, the settings are applied', async (t) => {
  one = pair.startSync('one', true);
  await until('ready without a peer', LIMIT, () => report(one)?.inSync === true);
  t.is(report(one)?.reason, 'no peer to learn from');
  t.deepEqual(
    one
      .status()
      ?.daemons.map(({role, interface: device, syncid}) => [role, device, syncid])
      .toSorted(),
    [
      ['backup', 'lo', 135],
      ['master', 'lo', 7],
    ],
  );
  t.is(pair.run('one', 'cat', '/proc/sys/net/ipv4/vs/sync_threshold').trim(), '0\t2');
});

test('a joining director gets every earlier connection: state, destination, template, UDP, IPv6', async (t) => {
  await said(pair.start('one', TRAFFIC, String(CONNECTIONS)));
  const made = pair.connections('one');
  t.true(made.size > CONNECTIONS, `${made.size} connections`);
  // The kernel sends a message when it is full, or after two seconds.
  await until('the local kernel was heard', LIMIT, () => report(one)?.here === made.size);

  other = pair.startSync('other', false);
  await until('in sync', LIMIT, () => report(other)?.phase === 'in-sync');
  t.deepEqual(lacks('one', 'other'), []);
  t.is(pair.connections('other').size, made.size);
  for (const [key, left] of pair.connections('other')) {
    const expected = made.get(key) ?? 0;
    t.true(Math.abs(left - expected) < 60, `${key}: ${left} s there, ${expected} s here`);
  }
  t.is(report(other)?.missingHere, 0);
  t.is(report(one)?.missingThere, 0);
  t.log(
    `${made.size} connections in ${report(other)?.last?.took.toFixed(0)} ms, ${report(other)?.last?.rounds} rounds`,
  );
});

test('connections made afterwards arrive through the relay', async (t) => {
  const before = pair.connections('one').size;
  await said(pair.start('one', TRAFFIC, '20', 'client'));
  await until('the live stream carried them', LIMIT, () => lacks('one', 'other').length === 0);
  t.true(pair.connections('one').size > before);
  // The report is sent twice a second: its counters lag slightly behind the connections.
  await until('the report counts them', LIMIT, () => (report(other)?.heard ?? 0) > 0);
});

test('a restarted sync process recovers its connections from the kernel', async (t) => {
  const {size} = pair.connections('one');
  await one.kill();
  one = pair.startSync('one', true);
  await until('the table is read', LIMIT, () => report(one)?.here === size);
  await until('both are in sync', LIMIT, () =>
    [one, other].every((side) => report(side)?.phase === 'in-sync'),
  );
  t.deepEqual(lacks('one', 'other'), []);
  t.is(pair.connections('one').size, size);
});

test('forged, replayed and bare kernel messages from the segment create no connection', async (t) => {
  attacker = pair.start('third', ATTACKER, 'one', '10.97.0.1', 'other', '10.97.0.2');
  await said(attacker);
  // A connection that ends: its replayed message would restore it.
  const before = new Set(pair.connections('one').keys());
  await said(pair.start('one', SEED, '1', '7', '135', '600'));
  gone = [...pair.connections('one').keys()].filter((key) => !before.has(key));
  t.is(gone.length, 1);
  await until('it reaches the other', LIMIT, () => ends('other') === 1);
  await said(pair.start('one', SEED, '1', '7', '135', '1'));
  await until('it ends everywhere', LIMIT, () => ends('one') + ends('other') === 0);
  await until('the mirrors forget it', LIMIT, () =>
    [one, other].every((side) => report(side)?.here === before.size),
  );

  const forged = report(other)?.forged ?? 0;
  attacker.send('attack');
  const {replayed} = await said<{replayed: number}>(attacker);
  t.true(replayed > 10, `${replayed} datagrams recorded`);
  await until('the attack was seen', LIMIT, () =>
    [one, other].every(
      (side) => (report(side)?.forged ?? 0) >= forged + 2 && (report(side)?.replayed ?? 0) > 5,
    ),
  );
  for (const side of ['one', 'other'] as const)
    t.deepEqual([...pair.connections(side).keys()].toSorted(), [...before].toSorted());
  t.log(`${replayed} datagrams replayed, ${report(other)?.replayed} recognised by one of the two`);
});

test('the Active dies, returns empty, and gets all connections from the survivor', async (t) => {
  await one.kill();
  await until('the peer is missed', LIMIT, () => report(other)?.peer === false);
  const table = pair.connections('other');
  // A reboot: daemons, settings and table are lost.
  await pair.recreate('one');
  services(pair, 'one');
  t.is(pair.connections('one').size, 0);
  one = pair.startSync('one', false, {audit: AUDIT});
  // Nothing recorded before the reboot may be accepted, not even by a process that has just started.
  await until('it runs', LIMIT, () => report(one) !== undefined);
  attacker.send('attack');
  await said(attacker);
  other.send({type: 'configure', ...pair.settingsOf('other', true)});
  await until('in sync', LIMIT, () => report(one)?.phase === 'in-sync');
  const back = pair.connections('one');
  t.deepEqual(
    [...table.keys()].filter((key) => !back.has(key)),
    [],
  );
  t.true(back.size >= table.size);
  attacker.send('attack');
  await said(attacker);
  await until('the replay was seen', LIMIT, () => (report(one)?.replayed ?? 0) > 5);
  t.is(ends('one') + ends('other'), 0);
  t.deepEqual(
    [...pair.connections('one').keys()].filter((key) => key.includes('10.66.6.')),
    [],
  );
});

test('a real server removed on the Active: its connections end at the peer, and no resync restores them', async (t) => {
  const real = '10.96.0.3:8080';
  const to = (side: Side): string[] =>
    [...pair.connections(side).keys()].filter((key) => key.includes(`:80 ${real}`));
  const left = [...pair.connections('one').keys()].filter((key) => !key.includes(`:80 ${real}`));
  t.true(to('one').length > 5);
  pair.run('other', 'ipvsadm', '-d', '-t', '10.96.0.100:80', '-r', real);
  await until("the peer's kernel let them go", LIMIT, () => to('one').length === 0);
  // The report lags behind the messages.
  await until('the report counts them', LIMIT, () => (report(other)?.retired ?? 0) > 5);
  one.send({type: 'resync'});
  const resyncs = report(one)?.resyncs ?? 0;
  await until('a whole table came', LIMIT, () => report(one)?.resyncs === resyncs + 1 && report(one)?.phase === 'in-sync'); // prettier-ignore
  t.deepEqual(to('one'), []);
  const remote = pair.connections('one');
  t.deepEqual(
    left.filter((key) => !remote.has(key) && !key.startsWith('UDP')),
    [],
    'and no other connection ended',
  );
});

test('after a key change live messages still arrive, in the same session', async (t) => {
  const [resyncs, forged] = [report(one)?.resyncs, report(one)?.forged];
  const changes = (): number[] =>
    [one, other].map(({logs}) => logs.filter((line) => line.includes('keys of the channel')).length);
  const change = async (secret: string, accepted: readonly string[]): Promise<void> => {
    const before = changes();
    other.send({type: 'configure', ...pair.settingsOf('other', true, {secret, accepted})});
    one.send({type: 'configure', ...pair.settingsOf('one', false, {secret, accepted, audit: AUDIT})});
    await until('both changed them', LIMIT, () => changes().every((count, index) => count > before[index]!));
  };
  const old = pair.settingsOf('one', false).settings.secret;
  await change(old, [old, 'the next one']);
  await change('the next one', [old, 'the next one']);
  await change('the next one', ['the next one']);
  const before = report(one)?.heard ?? 0;
  // The Active's kernel still has those of the removed real server.
  const lacked = new Set(lacks('other', 'one'));
  await said(pair.start('other', TRAFFIC, '8'));
  await until('live messages arrive', LIMIT, () => (report(one)?.heard ?? 0) > before);
  await until('the tables agree', LIMIT, () => lacks('other', 'one').every((key) => lacked.has(key)));
  t.is(report(one)?.resyncs, resyncs);
  t.is(report(one)?.phase, 'in-sync');
  t.true((report(one)?.forged ?? 0) <= (forged ?? 0) + 2, 'no more than what was on its way');
});

test('the audit finds and restores connections lost by a standby’s kernel', async (t) => {
  const seed = async (side: Side, ...words: string[]): Promise<void> => {
    await said(pair.start(side, SEED, '1', ...words));
  };
  await seed('other', '7', '135', '600');
  await until('both have it', LIMIT, () => ends('other') + ends('one') === 2);
  // Only the kernel gets this one: the mirror still has the connection.
  await seed('one', '99', '135', '1');
  await until('the kernel lost it', LIMIT, () => ends('one') === 0);
  // Two walks of the audit, as slow as the machine: only progress matters.
  const walks = (): unknown => report(one)?.audit.walks;
  await untilStalled('it is back', LIMIT, walks, () => ends('one') === 1);
  await untilStalled('it is counted', LIMIT, walks, () => (report(one)?.audit.lost ?? 0) > 0);
  t.is(report(one)?.audit.lost, 1, 'and no other was counted as lost');
  t.true((report(one)?.audit.walks ?? 0) >= 2);
  t.is(report(other)?.audit.lost, 0);
});

test('a connection that ended while the peer was not heard ends there when it is', async (t) => {
  const real = '10.96.0.3:8080';
  const to = (side: Side): string[] =>
    [...pair.connections(side).keys()].filter(
      (key) => key.includes(`:81 ${real}`) && !key.includes('template'),
    );
  t.true(to('one').length > 0);
  const retired = report(other)?.retired ?? 0;
  pair.run('third', 'ip', 'link', 'set', 'one', 'down');
  await until('the peer is missed', LIMIT, () => report(other)?.peer === false);
  pair.run('other', 'ipvsadm', '-d', '-t', '10.96.0.100:81', '-r', real);
  await until('their real server is gone', LIMIT, () => (report(other)?.retired ?? 0) > retired);
  t.true(to('one').length > 0, 'the peer still has them');
  pair.run('third', 'ip', 'link', 'set', 'one', 'up');
  await until("the peer's kernel let them go", LIMIT, () => to('one').length === 0);
});

test('UDP flows of a removed real server end on the Active too, beside TCP', async (t) => {
  const flows = (side: Side): string[] =>
    [...pair.connections(side).keys()].filter((key) => /^UDP .*:80 10\.96\.0\.2:8080$/.test(key));
  const streams = [...pair.connections('other').keys()].filter((key) => key.includes(':80 10.96.0.2:8080') && key.startsWith('TCP')); // prettier-ignore
  t.true(flows('other').length > 0, 'there are some');
  t.is(pair.run('other', 'cat', '/proc/sys/net/ipv4/vs/expire_nodest_conn').trim(), '0');
  pair.run('other', 'ipvsadm', '-d', '-u', '10.96.0.100:80', '-r', '10.96.0.2:8080');
  await until('they end on both', LIMIT, () => flows('other').length + flows('one').length === 0);
  const now = pair.connections('other');
  t.deepEqual(
    streams.filter((key) => !now.has(key)),
    [],
    'TCP connections to that server go on',
  );
});

test('after a stop the daemons are gone and the settings are restored', async (t) => {
  await Promise.all([one.stop(), other.stop()]);
  for (const side of ['one', 'other'] as const) {
    t.is(pair.run(side, 'ipvsadm', '-l', '--daemon').trim(), '');
    t.is(pair.run(side, 'cat', '/proc/sys/net/ipv4/vs/sync_threshold').trim(), '3\t50');
  }
});
