/** The whole pair on a simulated network and clock. Figures are bounds of the protocol, not measurements. */
import {incarnationAfter, type Advert} from '@hactl/failover';
import test from 'ava';
import {baseConfig} from './scenario.ts';
import {makePair, names, type Pair, type PairOptions} from './pair.ts';

const keepalive = 10;
const deadtime = 30;
/** Slack for network delay and skew. */
const flight = 4;

const running = (more: Partial<PairOptions> = {}): Pair => {
  const pair = makePair({seed: 7, ...more});
  for (const name of names) pair.boot(name);
  pair.runFor(500);
  pair.times();
  return pair;
};

test('at start only the preferred director becomes Active', (t) => {
  const pair = makePair({seed: 1});
  for (const name of names) pair.boot(name);
  pair.runFor(200);
  t.deepEqual(pair.holders(), ['director1']);
  t.is(pair.times().both, 0);
});

test('a single node waits for initdead, then serves', (t) => {
  const pair = makePair({seed: 1});
  pair.boot('director2');
  pair.runFor(99);
  t.deepEqual(pair.holders(), []);
  pair.runFor(12);
  t.deepEqual(pair.holders(), ['director2']);
});

test('power loss: the peer takes over within the dead time, and not before', (t) => {
  const pair = running();
  pair.crash('director1');
  pair.runFor(deadtime - keepalive - flight);
  t.deepEqual(pair.holders(), []);
  pair.runFor(keepalive + 2 * flight);
  t.deepEqual(pair.holders(), ['director2']);
  t.true(pair.times().neither <= deadtime + flight);
});

test('the preferred director returns: make-before-break, never without a holder', (t) => {
  const pair = running();
  pair.crash('director1');
  pair.runFor(200);
  pair.times();
  pair.boot('director1');
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director1']);
  const {both, neither} = pair.times();
  t.is(neither, 0);
  t.true(both > 0 && both <= flight, `${both}`);
});

test('auto_failback off: the group stays where it is', (t) => {
  const pair = running({config: {autoFailback: 'off'}});
  pair.crash('director1');
  pair.runFor(200);
  pair.boot('director1');
  pair.runFor(1_000);
  t.deepEqual(pair.holders(), ['director2']);
});

test('standby, failback, takeover: done, reported, and never without a holder', (t) => {
  const pair = running();
  const outcome = (id: number): boolean | undefined =>
    pair.log.flatMap(({effect}) => (effect.type === 'move-done' && effect.id === id ? [effect.ok] : []))[0];
  pair.feed('director1', {type: 'move', id: 1, move: 'standby', scope: 'all'});
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director2']);
  pair.feed('director1', {type: 'move', id: 2, move: 'failback', scope: 'local'});
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director1']);
  pair.feed('director2', {type: 'move', id: 3, move: 'takeover', scope: 'all'});
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director2']);
  t.deepEqual([1, 2, 3].map(outcome), [true, true, true]);
  t.is(pair.times().neither, 0);
});

test('standby without a live peer is refused', (t) => {
  const pair = running();
  pair.crash('director2');
  pair.runFor(100);
  pair.feed('director1', {type: 'move', id: 9, move: 'standby', scope: 'all'});
  t.deepEqual(pair.holders(), ['director1']);
  t.true(
    pair.log.some(
      ({effect}) => effect.type === 'move-done' && !effect.ok && /no living peer/.test(effect.reason),
    ),
  );
});

test('a stop hands over before releasing; a crash of the supervisor releases first', (t) => {
  const planned = running();
  planned.feed('director1', {type: 'stop', leaveAddresses: false});
  planned.runFor(100);
  t.deepEqual(planned.holders(), ['director2']);
  t.is(planned.times().neither, 0);
  const crashed = running();
  crashed.feed('director1', {type: 'stop', leaveAddresses: true});
  crashed.runFor(100);
  t.deepEqual(crashed.holders(), ['director2']);
  const {both, neither} = crashed.times();
  t.is(both, 0);
  t.true(neither <= flight, `${neither}`);
});

test('one direction fails: two holders for at most two advert intervals', (t) => {
  const pair = running();
  pair.way('director1').cut = 1;
  pair.runFor(3_000);
  t.is(pair.holders().length, 1);
  t.true(pair.times().both <= 2 * keepalive);
});

test('a partition heals: one holder within two adverts, never none', (t) => {
  const pair = running();
  for (const name of names) pair.way(name).cut = 1;
  pair.world.lan.cut = 1;
  pair.runFor(500);
  t.is(pair.holders().length, 2);
  pair.times();
  for (const name of names) pair.way(name).cut = 0;
  pair.world.lan.cut = 0;
  pair.runFor(1_000);
  t.deepEqual(pair.holders(), ['director1']);
  const {both, neither} = pair.times();
  t.true(both <= 2 * keepalive + flight, `${both}`);
  t.is(neither, 0);
});

test('a resumed Active director releases as soon as it hears who is Active', (t) => {
  const pair = running();
  pair.pause('director1', 2_000);
  pair.runFor(1_999);
  pair.times();
  pair.runFor(100);
  t.is(pair.holders().length, 1);
  t.true(pair.times().both <= keepalive + flight);
  pair.runFor(1_000);
  t.deepEqual(pair.holders(), ['director1'], 'auto_failback returns the group');
});

test('a resumed director observes the preempt delay', (t) => {
  const pair = running({config: {preemptDelay: 5_000}});
  pair.pause('director1', 2_000);
  pair.runFor(6_500);
  t.deepEqual(pair.holders(), ['director2']);
  pair.runFor(1_000);
  t.deepEqual(pair.holders(), ['director1']);
});

test('no carrier: the group moves to the peer at once if a path still works', (t) => {
  const pair = running();
  pair.feed('director1', {type: 'device', device: 'eth0', problem: 'eth0 has no carrier'});
  pair.runFor(flight);
  t.deepEqual(pair.holders(), ['director2']);
  pair.feed('director1', {type: 'device', device: 'eth0'});
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director1']);
});

test('a director that is not ready does not preempt', (t) => {
  const pair = running();
  pair.crash('director1');
  pair.runFor(200);
  pair.boot('director1');
  pair.feed('director1', {type: 'readiness', ready: false});
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director2']);
  pair.feed('director1', {type: 'readiness', ready: true});
  pair.runFor(100);
  t.deepEqual(pair.holders(), ['director1']);
});

test('all heartbeats cut with a working LAN: the lower director yields and stays Backup', (t) => {
  const pair = running();
  for (const name of names) pair.way(name).cut = 1;
  pair.runFor(5_000);
  t.deepEqual(pair.holders(), ['director1']);
  t.true(pair.times().both < 2, 'one announcement and its answer');
  pair.crash('director1');
  pair.runFor(400);
  t.deepEqual(pair.holders(), ['director2'], 'its silence on the LAN is trusted');
});

test('another machine with our address is answered, and nobody yields to it', (t) => {
  const pair = running();
  pair.crash('director2');
  pair.runFor(100);
  pair.log.length = 0;
  for (let claim = 0; claim < 100; claim += 1) {
    pair.feed('director1', {
      type: 'conflict',
      vrid: 1,
      address: '10.0.0.100',
      claimant: 'stranger',
      from: 'x',
    });
    pair.runFor(1);
  }
  t.deepEqual(pair.holders(), ['director1']);
  const answers = pair.log.filter(({effect}) => effect.type === 'announce').length;
  t.true(answers >= 4 && answers <= 10, `${answers} answers to a hundred claims`);
});

test('tracking moves the group without an outage: fewer tracked failures win over preference', (t) => {
  const pair = running();
  pair.feed('director1', {type: 'tracked-down', count: 1});
  pair.runFor(100);
  t.deepEqual(pair.holders(), ['director2']);
  pair.feed('director2', {type: 'tracked-down', count: 2});
  pair.runFor(100);
  t.deepEqual(pair.holders(), ['director1']);
  pair.feed('director2', {type: 'tracked-down', count: 1});
  pair.runFor(100);
  t.deepEqual(pair.holders(), ['director1'], 'equal tracked failures: the preferred director');
  t.is(pair.times().neither, 0);
});

test('a lost state directory and a clock set back: the incarnation echoed by the peer is trusted', (t) => {
  const pair = running();
  pair.crash('director2');
  pair.runFor(100);
  const node = pair.node('director2');
  node.incarnation = 0n;
  node.wall -= 1e9;
  pair.boot('director2');
  pair.runFor(200);
  t.true(pair.node('director1').state?.peers.every((peer) => peer.alive));
});

test('addresses that the interface refuses are not announced, and the peer keeps the group', (t) => {
  const pair = running();
  pair.crash('director1');
  pair.runFor(100);
  pair.node('director1').acquireFails = 1;
  pair.boot('director1');
  pair.times();
  pair.runFor(5_000);
  t.deepEqual(pair.holders(), ['director2']);
  t.is(pair.times().neither, 0);
});

test('takeover from a silent peer waits for the fence, and does not happen without it', (t) => {
  const pair = running({config: {fence: '/usr/sbin/fence'}});
  pair.node('director2').fenceFails = true;
  pair.crash('director1');
  pair.runFor(3_000);
  t.deepEqual(pair.holders(), []);
  pair.node('director2').fenceFails = false;
  pair.runFor(6_000);
  t.deepEqual(pair.holders(), ['director2']);
  const deeds = pair.log.flatMap(({node, effect}) =>
    node === 'director2' && (effect.type === 'fence' || effect.type === 'acquire') ? [effect.type] : [],
  );
  t.is(deeds.at(-1), 'acquire');
  t.is(deeds.indexOf('acquire'), deeds.length - 1, 'no address before the fence succeeded');
});

test('a peer that sends priority 0 is not fenced', (t) => {
  const pair = running({config: {fence: '/usr/sbin/fence'}});
  pair.feed('director1', {type: 'stop', leaveAddresses: false});
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director2']);
  t.false(pair.log.some(({effect}) => effect.type === 'fence'));
});

test('after isolation a director listens for a dead time before it assumes the peer dead', (t) => {
  const pair = running({config: {autoFailback: 'off'}});
  // The only heartbeat path and the address share the interface.
  pair.world.carrier(pair.node('director2'), 1);
  pair.runFor(4_000);
  pair.log.length = 0;
  pair.world.carrier(pair.node('director2'), -1);
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director1']);
  t.false(pair.log.some(({node, effect}) => node === 'director2' && effect.type === 'acquire'));
});

test('an address refused by the kernel is retried with back-off, with its reason, until something changes', (t) => {
  const pair = running();
  for (const name of names) pair.node(name).acquireFails = 1;
  pair.feed('director1', {type: 'move', id: 1, move: 'standby', scope: 'all'});
  pair.world.removeAddress(pair.node('director1'), 0);
  pair.log.length = 0;
  pair.runFor(20_000);
  const tries = pair.log.filter(({effect}) => effect.type === 'acquire').length;
  t.true(tries >= 4 && tries <= 14, `${tries} tries in 20 s`);
  t.is(pair.node('director1').state?.groups[0]?.refused?.reason, 'no buffer space');
  const failures = pair.log.filter(({effect}) => effect.type === 'event' && effect.code === 'acquire-failed');
  t.true(failures.length <= 2, `${failures.length} errors`);
  for (const name of names) pair.node(name).acquireFails = 0;
  pair.feed('director1', {type: 'configure', previous: pair.node('director1').config});
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director1']);
  t.is(pair.node('director1').state?.groups[0]?.refused, undefined);
});

test('an address moved to another group by one reload is never on two directors, and an error names it', (t) => {
  const [web] = baseConfig.groups;
  if (!web) return t.fail();
  const vip = (last: number) => ({
    family: 4 as const,
    address: `10.0.0.${last}`,
    prefixLength: 24,
    device: 'eth0',
  });
  const mail = {...web, vrid: 2, name: 'mail', preferredNode: 'director2', vips: [vip(101)]};
  const pair = running({config: {groups: [web, mail]}});
  const holders = (index: number): number[] => pair.world.holders(index);
  t.deepEqual([holders(0), holders(1)], [[0], [1]]);
  // director2's file has moved 10.0.0.100 to its own group; director1's has not.
  const after = {...baseConfig, groups: [{...mail, vips: [vip(101), vip(100)]}]};
  pair.world.reconfigure(pair.node('director2'), after);
  for (let at = 0; at < 200; at += 1) {
    pair.runFor(10);
    t.deepEqual(holders(0), [0]);
  }
  t.true(
    pair.log.some(
      ({effect}) =>
        effect.type === 'event' &&
        effect.code === 'address-held-elsewhere' &&
        effect.message.includes('10.0.0.100 (held by director1)'),
    ),
  );
  pair.world.reconfigure(pair.node('director1'), after);
  pair.runFor(100);
  t.deepEqual([holders(0), holders(1)], [[1], [1]]);
});

test('a new hardware address or cable: the Active announces at once', (t) => {
  const pair = running();
  pair.runFor(5_000);
  pair.log.length = 0;
  pair.feed('director1', {type: 'link-changed', device: 'eth0'});
  pair.feed('director2', {type: 'link-changed', device: 'eth0'});
  t.deepEqual(
    pair.log.filter(({effect}) => effect.type === 'announce').map(({node}) => node),
    ['director1'],
  );
});

test('recorded adverts keep no dead director alive, on whichever path they come', (t) => {
  const pair = running({
    config: {paths: [baseConfig.paths[0], baseConfig.paths[0]] as typeof baseConfig.paths},
  });
  const node = pair.node('director2');
  // Adverts for the second path were recorded instead.
  for (const way of pair.world.ways[1] ?? []) way.cut = 1;
  const recording: Advert[] = [];
  for (let at = 0; at < 60; at += 1) {
    pair.runFor(10);
    const heard = node.state?.peers[0]?.advert;
    if (heard) recording.push({...heard, path: 1});
  }
  pair.crash('director1');
  for (const advert of recording) {
    pair.runFor(20);
    pair.feed('director2', {type: 'advert', advert});
  }
  t.deepEqual(pair.holders(), ['director2']);
  t.true(pair.times().neither <= deadtime + flight, 'takeover in time');
});

test('without memory a peer is believed once it echoes this life, and recordings delay nothing', (t) => {
  const old = running();
  const recording: Advert[] = [];
  for (let at = 0; at < 60; at += 1) {
    old.runFor(10);
    const heard = old.node('director2').state?.peers[0]?.advert;
    if (heard) recording.push(heard);
  }
  // director1 is dead, director2 has lost its state directory.
  const pair = makePair({seed: 8});
  pair.boot('director2');
  for (const advert of recording) {
    pair.feed('director2', {type: 'advert', advert});
    pair.runFor(5);
  }
  t.deepEqual(pair.holders(), ['director2']);
  t.false(pair.node('director2').state?.peers[0]?.known);
  pair.boot('director1');
  pair.runFor(200);
  t.deepEqual(pair.holders(), ['director1']);
});

test('adverts in the name of this director are outlived: the next life is above all that the peer knows', (t) => {
  const pair = running();
  const heard = pair.node('director1').state?.peers[0]?.advert;
  const life = pair.node('director1').state?.incarnation ?? 0n;
  if (!heard) return t.fail();
  pair.feed('director1', {
    type: 'advert',
    advert: {...heard, sequence: heard.sequence + 1n, echoSequence: 2n ** 47n},
  });
  t.is(pair.node('director1').state?.incarnation, incarnationAfter(life));
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director1']);
  t.true(pair.node('director2').state?.peers[0]?.alive);
});

/** director2 serves: it is not the preferred one, and its peer is dead. */
const survivor = (more: Partial<PairOptions> = {}): Pair => {
  const pair = running(more);
  pair.crash('director1');
  pair.runFor(500);
  pair.log.length = 0;
  pair.times();
  return pair;
};
const claimed = (claimant: 'peer' | 'peer-alive' | 'stranger') =>
  ({type: 'conflict', vrid: 1, address: '10.0.0.100', claimant, from: '02:00:00:00:00:66 on eth0'}) as const;

for (const claimant of ['stranger', 'peer'] as const)
  test(`claims that prove no life (${claimant}) are answered, and nobody yields to them`, (t) => {
    const pair = survivor();
    for (let at = 0; at < 100; at += 1) {
      pair.feed('director2', claimed(claimant));
      pair.runFor(30);
    }
    t.deepEqual(pair.holders(), ['director2']);
    t.is(pair.times().neither, 0);
    t.true(pair.log.filter(({effect}) => effect.type === 'announce').length >= 100);
    const reports = pair.log.filter(
      ({effect}) => effect.type === 'event' && effect.code === 'duplicate-address',
    );
    t.is(reports.length, claimant === 'stranger' ? 1 : 0);
    if (claimant === 'stranger')
      t.true(
        reports.some(
          ({effect}) => effect.type === 'event' && effect.message.startsWith('02:00:00:00:00:66 on eth0'),
        ),
      );
  });

test('claims by a host that invents a hardware address for each fill no log', (t) => {
  const pair = survivor();
  for (let at = 0; at < 1_000; at += 1) {
    const mac = `02:00:00:00:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`;
    pair.feed('director2', {...claimed('stranger'), from: `${mac} on eth0`});
    pair.runFor(30);
  }
  pair.runFor(60_000);
  pair.feed('director2', claimed('stranger'));
  const reports = pair.log.flatMap(({effect}) =>
    effect.type === 'event' && effect.code === 'duplicate-address' ? [effect.message] : [],
  );
  t.is(reports.length, 5, reports.join('\n'));
  t.regex(reports.at(-1) ?? '', /; 996 more claims by 02:00:00:00:00:00 on eth0 and others before$/);
  t.deepEqual(pair.holders(), ['director2']);
});

test('a forged claim while both directors live is answered at once', (t) => {
  const pair = running();
  pair.runFor(2_000);
  pair.log.length = 0;
  pair.feed('director1', claimed('stranger'));
  t.deepEqual(
    pair.log.map(({effect}) => effect.type),
    ['announce', 'event'],
  );
});

test('a new claim of a peer that was fenced, or said goodbye, is no reason to yield; an answer of it is', (t) => {
  const fenced = survivor({config: {fence: '/usr/sbin/fence'}});
  t.deepEqual(fenced.holders(), ['director2']);
  const left = running();
  left.feed('director1', {type: 'stop', leaveAddresses: false});
  left.runFor(500);
  for (const pair of [fenced, left]) {
    pair.log.length = 0;
    pair.feed('director2', claimed('peer'));
    pair.runFor(500);
    t.deepEqual(pair.holders(), ['director2']);
    t.false(pair.log.some(({effect}) => effect.type === 'fence'));
    pair.feed('director2', claimed('peer-alive'));
    pair.runFor(20);
    t.deepEqual(pair.holders(), []);
  }
});

test('a director that lost its carrier, and then its heartbeats: one holder on the LAN, and no flood of claims', (t) => {
  const pair = running();
  pair.feed('director1', {type: 'device', device: 'eth0', problem: 'eth0 has no carrier'});
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director2']);
  for (const name of names) pair.way(name).cut = 1;
  pair.feed('director1', {type: 'device', device: 'eth0'});
  pair.runFor(10_000);
  pair.log.length = 0;
  pair.runFor(10_000);
  t.deepEqual(pair.holders(), ['director1']);
  // One each 27 ms, the heartbeat of last resort; each of the two answered the other every 2 ms before.
  t.true(pair.log.filter(({effect}) => effect.type === 'announce').length < 500);
});

test('an answer names the claimed address only, whatever else the group has', (t) => {
  const vips = [100, 101, 102].map((last) => ({
    family: 4 as const,
    address: `10.0.0.${last}`,
    prefixLength: 24,
    device: 'eth0',
  }));
  const pair = running({config: {groups: baseConfig.groups.map((group) => ({...group, vips}))}});
  pair.runFor(5_000);
  pair.log.length = 0;
  for (let claim = 0; claim < 200; claim += 1) {
    pair.feed('director1', claimed('stranger'));
    pair.runFor(1);
  }
  const announced = pair.log.flatMap(({effect}) =>
    effect.type === 'announce' ? effect.vips.map(({address}) => address) : [],
  );
  t.deepEqual([...new Set(announced)], ['10.0.0.100']);
  t.true(announced.length <= 11, `${announced.length} answers in 200 ms`);
});
