/** The supervisor's core with the in-memory table and children of the test's own. */
import {systemClock} from '@hactl/base';
import type {CheckState, ToChecks} from '@hactl/checks';
import {parseLdirectordCf} from '@hactl/config';
import type {ToEngine} from '@hactl/failover';
import {makeMemoryIpvs} from '@hactl/ipvs/testing';
import {type Operation} from '@hactl/ipvs';
import test from 'ava';
import type {EventDraft} from '../control/events.ts';
import {type Loaded} from '../configuration/loaded.ts';
import {makeSupervisor} from './core.ts';

const resolve = {host: () => undefined, service: () => undefined};
const text = (reals: string, more = ''): string =>
  `${more}virtual=10.0.0.100:80\n${reals}\tservice=http\n\tprotocol=tcp\n`;
const two = '\treal=10.0.0.1:80 gate 3\n\treal=10.0.0.2:80 gate\n';

interface Pair {
  readonly engine: NonNullable<Loaded['engine']>;
  readonly groups: Loaded['cluster']['haresources']['groups'];
  /** ha.cf's hactl_rise. */
  readonly rise?: number;
}

const load = (source: string, pair?: Pair): Loaded => ({
  ...(pair ? {engine: pair.engine} : {}),
  cluster: {
    haresources: {path: 'haresources', groups: pair?.groups ?? []},
    ...(pair
      ? {
          ha: {
            hactl: {
              syncDeadline: 30_000,
              standbyChecks: true,
              ...(pair.rise === undefined
                ? {}
                : {verdicts: {rise: pair.rise, slowStart: 0, dynamicWeight: false}}),
            },
          } as never,
        }
      : {}),
    authkeys: {path: 'authkeys', active: 0, keys: []},
    ldirectord: [parseLdirectordCf({path: 'x.cf', text: source}, {mode: 'lenient', resolve}).model],
  },
  digest: 'x',
  notices: 0,
  at: 0,
});

/** A call that comes while a run is under way is joined to it: give it the turns that it needs. */
const settled = async (core: {reconcile(): Promise<void>}): Promise<void> => {
  await core.reconcile();
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

const start = (source: string, pair?: Pair) => {
  const operations: Operation[] = [];
  const recorded: EventDraft[] = [];
  const ipvs = makeMemoryIpvs((operation) => operations.push(operation));
  const held = new Map<string, string>();
  const weightsOrdered = new Map<string, number>();
  const toChecks: ToChecks[] = [];
  const toEngine: ToEngine[] = [];
  const core = makeSupervisor(
    {
      clock: systemClock,
      log: () => undefined,
      record: (draft) => recorded.push(draft),
      ipvs: () => ipvs,
      toChecks: (message) => toChecks.push(message),
      toEngine: (message) => toEngine.push(message),
      roles: () => undefined,
      syncTrusted: false,
      scripts: () => Promise.resolve({ok: true, reason: ''}),
      held: () => held,
      weights: () => weightsOrdered,
      changed: () => undefined,
      later: () => undefined,
    },
    load(source, pair),
  );
  const verdict = async (address: string, state: CheckState): Promise<void> => {
    core.onChecks({
      type: 'verdict',
      report: {
        id: `tcp 10.0.0.100:80 > ${address}:80`,
        state,
        failures: 0,
        checks: 1,
        reason: 'r',
        took: 1,
        at: 0,
      },
    });
    await settled(core);
  };
  const weights = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await ipvs.list()).flatMap((one) => one.destinations.map(({address, weight}) => [address, weight])),
    );
  return {core, held, weightsOrdered, ipvs, operations, recorded, toChecks, toEngine, verdict, weights};
};

test('verdicts become a table, and the engine is told when the first round is done', async (t) => {
  const one = start(text(two));
  await settled(one.core);
  t.deepEqual(await one.weights(), {});
  await one.verdict('10.0.0.1', 'up');
  t.deepEqual(await one.weights(), {'10.0.0.1': 3});
  t.deepEqual(
    one.toEngine.filter((message) => message.type === 'readiness').map((message) => message.ready),
    [false, false],
  );
  await one.verdict('10.0.0.2', 'down');
  t.true(one.toEngine.some((message) => message.type === 'readiness' && message.ready));
  t.deepEqual(await one.weights(), {'10.0.0.1': 3});
});

test('hactl_rise of a virtual counts before ha.cf’s, and Piranha’s texts reach the checks', async (t) => {
  const source = text(two).replace('service=http', 'hactl_expect="HTTP"');
  const sent = (from: string, rise?: number) => {
    const one = start(from, {
      engine: {groups: []} as never,
      groups: [],
      ...(rise === undefined ? {} : {rise}),
    });
    one.core.onChecks({type: 'ready', pid: 1});
    return one.toChecks.flatMap((message) => (message.type === 'configure' ? message.specs : []));
  };
  const rises = (from: string, rise?: number) => sent(from, rise).map((spec) => spec.rise);
  t.deepEqual(rises(source), [undefined, undefined]);
  t.deepEqual(rises(source, 2), [2, 2]);
  t.deepEqual(rises(`${source}\thactl_rise=3\n`, 2), [3, 3]);
  t.deepEqual(rises(`${source}\thactl_rise=3\n`), [3, 3]);
  t.like(sent(source)[0], {service: 'send-expect', sendExpect: {expect: 'HTTP', regex: false}});
});

test('a supervisor that starts on a running table changes nothing in it', async (t) => {
  const one = start(text(two));
  await settled(one.core);
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  const successor = start(text(two));
  for (const operation of one.operations) await successor.ipvs.apply(operation);
  successor.operations.length = 0;
  await settled(successor.core);
  t.deepEqual(successor.operations, []);
  await successor.verdict('10.0.0.1', 'up');
  await successor.verdict('10.0.0.2', 'up');
  t.deepEqual(successor.operations, []);
});

test('a reload edits what changed, keeps what is known, and deletes only what was ours', async (t) => {
  const one = start(text(two));
  await one.ipvs.apply({
    type: 'new-service',
    service: {
      key: {kind: 'fwmark', family: 4, mark: 9},
      scheduler: 'rr',
      flags: {ops: false, flag1: false, flag2: false, flag3: false},
      netmask: 32,
    },
  });
  await settled(one.core);
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  one.operations.length = 0;
  one.core.reload(load(text('\treal=10.0.0.1:80 gate 5\n\treal=10.0.0.2:80 gate\n')));
  await settled(one.core);
  t.deepEqual(
    one.operations.map((operation) => operation.type),
    ['set-dest'],
  );
  one.core.reload(load('checktimeout=1\n'));
  await settled(one.core);
  t.deepEqual(
    (await one.ipvs.list()).map(({service}) => service.key.kind),
    ['fwmark'],
  );
});

test('a real that an operator holds is down, whatever its checks say, and comes back with its weight', async (t) => {
  const one = start(text(two));
  await settled(one.core);
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  one.held.set('tcp 10.0.0.100:80 > 10.0.0.1:80', 'Server in maintenance');
  await settled(one.core);
  t.deepEqual(await one.weights(), {'10.0.0.2': 1});
  const [virtual] = (await one.core.status()).virtuals;
  t.like(virtual?.reals[0], {check: 'down', reason: 'Server in maintenance'});
  one.held.clear();
  await settled(one.core);
  t.deepEqual(await one.weights(), {'10.0.0.1': 3, '10.0.0.2': 1});
});

test('quiescent=yes: a held real keeps its connections with weight 0', async (t) => {
  const one = start(text(two, 'quiescent=yes\n'));
  await settled(one.core);
  await one.verdict('10.0.0.1', 'up');
  one.held.set('tcp 10.0.0.100:80 > 10.0.0.1:80', 'Server in maintenance');
  await settled(one.core);
  t.deepEqual(await one.weights(), {'10.0.0.1': 0});
});

for (const [value, expected] of [
  ['yes', {'10.0.0.1': 0, '10.0.0.2': 1}],
  ['no', {'10.0.0.2': 1}],
] as const)
  test(`readdquiescent=${value}: a server that is down and absent`, async (t) => {
    const one = start(text(two, `quiescent=yes\nreaddquiescent=${value}\n`));
    await settled(one.core);
    await one.verdict('10.0.0.1', 'down');
    await one.verdict('10.0.0.2', 'up');
    t.deepEqual(await one.weights(), expected);
  });

for (const [value, left] of [
  ['yes', 0],
  ['no', 1],
] as const)
  test(`cleanstop=${value}: ${left === 0 ? 'the table is empty' : 'the table stays'} at the end`, async (t) => {
    const one = start(text(two, `cleanstop=${value}\n`));
    await settled(one.core);
    await one.verdict('10.0.0.1', 'up');
    await one.core.cleanStop();
    t.is((await one.ipvs.list()).length, left);
  });
test('the engine may preempt only when the connections are here', async (t) => {
  const one = start(text(two), {
    engine: {groups: []} as never,
    groups: [{name: 'g', node: 'a', resources: [{type: 'LVSSyncDaemonSwap', args: ['master']}]} as never],
  });
  const readiness = () =>
    one.toEngine.flatMap((message) => (message.type === 'readiness' ? [message] : [])).at(-1);
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  t.like(readiness(), {ready: false, reason: 'connection sync: not started yet'});

  const report = (inSync: boolean, reason: string) =>
    one.core.onSync({daemons: [], report: {inSync, reason} as never});
  report(false, 'on its way');
  t.like(readiness(), {ready: false, reason: 'connection sync: on its way'});
  report(true, 'in sync with the peer');
  t.like(readiness(), {ready: true});
  report(false, 'on its way');
  t.like(readiness(), {ready: false});
});

test('the journal gets verdicts that are news, changes of the table, and changes of role', async (t) => {
  const one = start(text(two));
  await settled(one.core);
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'down');
  await one.verdict('10.0.0.1', 'down');
  one.core.onEngine({
    type: 'transition',
    transition: {vrid: 1, group: 'g', from: 'Backup', to: 'Active', reason: 'd2 is dead', at: 5, wall: 7},
  });
  t.deepEqual(
    one.recorded.map(({kind, text: said}) => [kind, said]),
    [
      ['table', 'Added virtual server: tcp 10.0.0.100:80'],
      ['table', 'Added real server: 10.0.0.1:80 (tcp 10.0.0.100:80) (Weight set to 3)'],
      ['check', 'tcp 10.0.0.100:80 > 10.0.0.2:80 is down: r'],
      ['check', 'tcp 10.0.0.100:80 > 10.0.0.1:80 is down: r'],
      ['table', 'Deleted real server: 10.0.0.1:80 (tcp 10.0.0.100:80)'],
      ['role', 'g: Backup -> Active: d2 is dead'],
    ],
  );
  t.is(one.recorded.at(-1)?.wall, 7);
});

test('a drained real stays in the table with weight 0, and all drained brings the fallback', async (t) => {
  const one = start(text(two, 'fallback=127.0.0.1:80\n'));
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  one.weightsOrdered.set('tcp 10.0.0.100:80 > 10.0.0.1:80', 0);
  await settled(one.core);
  t.deepEqual(await one.weights(), {'10.0.0.1': 0, '10.0.0.2': 1});
  t.is((await one.core.status()).virtuals[0]?.reals[0]?.orderedWeight, 0);
  one.weightsOrdered.set('tcp 10.0.0.100:80 > 10.0.0.2:80', 0);
  await settled(one.core);
  t.deepEqual(await one.weights(), {'10.0.0.1': 0, '10.0.0.2': 0, '127.0.0.1': 1});
  one.weightsOrdered.clear();
  await settled(one.core);
  t.deepEqual(await one.weights(), {'10.0.0.1': 3, '10.0.0.2': 1});
});

test('a shorter deadtime is the engine’s business only when the peer has it too', async (t) => {
  const engine = (deadtime: number, configDigest: string) =>
    ({keepalive: 100, deadtime, warntime: 50, initdead: deadtime, groups: [], configDigest}) as never;
  const one = start(text(two), {engine: engine(10_000, 'aa'), groups: []});
  await settled(one.core);
  const deadtimes = () =>
    one.toEngine.flatMap((message) => (message.type === 'configure' ? [message.config.deadtime] : []));
  one.core.reload({...load(text(two), {engine: engine(500, 'bb'), groups: []}), digest: 'bb'});
  const status = (configDigest: string) =>
    one.core.onEngine({
      type: 'status',
      id: 0,
      status: {groups: [], peers: [{name: 'b', state: 'up', configDigest}]} as never,
    });
  status('aa');
  t.deepEqual(deadtimes(), [10_000]);
  status('bb');
  status('bb');
  t.deepEqual(deadtimes(), [10_000, 500]);
});
