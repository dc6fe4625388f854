/** The supervisor's machine with the in-memory table and a test clock. */
import type {CheckState, ServiceLateness} from '@hactl/checks';
import {parseLdirectordCf} from '@hactl/config';
import {makeMemoryIpvs} from '@hactl/ipvs/testing';
import type {Destination, IpvsClient, Operation, ServiceKey} from '@hactl/ipvs';
import test from 'ava';
import {addressHash, type EngineConfig} from '@hactl/failover';
import type {Loaded} from '../configuration/loaded.ts';
import type {OrderRequest} from '../control/protocol.ts';
import {noOrders} from '../operators/order-state.ts';
import {virtualStatus} from '../table/snapshot.ts';
import {judgedOf, nextTableDeadline} from '../table/slice.ts';
import {driveTable} from '../table/table-driver.ts';
import {initial, nextDeadline, step, type CoreEffect, type CoreEvent} from './core.ts';
import {clearTable} from './stop.ts';
import {anyActive, speaksFor} from '../roles/slice.ts';

const resolve = {host: () => undefined, service: () => undefined};
const text = (reals: string, more = ''): string =>
  `${more}virtual=10.0.0.100:80\n${reals}\tservice=http\n\tprotocol=tcp\n`;
const http: ServiceKey = {kind: 'address', family: 4, protocol: 'tcp', address: '10.0.0.100', port: 80};
const noFlags = {ops: false, flag1: false, flag2: false, flag3: false};
const dest = (address: string, weight: number): Destination => ({
  family: 4,
  address,
  port: 80,
  forward: 'gate',
  weight,
  upperThreshold: 0,
  lowerThreshold: 0,
});
const two = '\treal=10.0.0.1:80 gate 3\n\treal=10.0.0.2:80 gate\n';

interface Pair {
  readonly engine: NonNullable<Loaded['engine']>;
  readonly groups: Loaded['cluster']['haresources']['groups'];
  /** ha.cf's hactl_rise. */
  readonly rise?: number;
}

/** The part of an engine's configuration that the supervisor reads. */
const engineOf = (vrids: readonly number[], more: Partial<EngineConfig> = {}): EngineConfig =>
  ({
    node: 'a',
    nodes: ['a', 'b'],
    keepalive: 100,
    deadtime: 10_000,
    warntime: 50,
    initdead: 10_000,
    groups: vrids.map((vrid) => ({vrid, name: `g${vrid}`, vips: [], preferredNode: 'a', cold: false})),
    ...more,
  }) as never;

const load = (source: string, pair?: Pair): Loaded => ({
  ...(pair ? {engine: pair.engine} : {}),
  cluster: {
    haresources: {path: 'haresources', groups: pair?.groups ?? []},
    ...(pair
      ? {
          ha: {
            nodes: [],
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

const start = (source: string, pair?: Pair) => {
  const operations: Operation[] = [];
  const ipvs = makeMemoryIpvs((operation) => operations.push(operation));
  const effects: CoreEffect[] = [];
  const config = {node: 'a', stateDir: '/nowhere', syncTrusted: false};
  let now = 0;
  let state = initial(config, load(source, pair), noOrders, {now, wall: 7});
  const table = driveTable({ipvs: () => ipvs, feed: (event) => feed(event)});
  function feed(event: CoreEvent): void {
    const [next, more] = step(config, state, event, {now, wall: 7});
    state = next;
    for (const effect of more) {
      effects.push(effect);
      if (effect.type === 'read-table') table.read(effect.only);
      if (effect.type === 'apply-table') table.apply(effect.operations);
      if (effect.type === 'write-orders') feed({type: 'orders-written'});
    }
  }
  /** Waits until the table is as expected. */
  const settled = async (): Promise<void> => {
    for (let before; before !== table.idle();) {
      before = table.idle();
      await before;
    }
  };
  feed({type: 'ipvs-opened'});
  const verdict = async (address: string, checked: CheckState, port = 80): Promise<void> => {
    const id = `tcp 10.0.0.100:80 > ${address}:${port}`;
    const report = {id, state: checked, failures: 0, checks: 1, reason: 'r', took: 1, at: 0};
    feed({type: 'checks', message: {type: 'verdict', report}});
    await settled();
  };
  const weights = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await ipvs.list()).flatMap((observed) =>
        observed.destinations.map(({address, weight}) => [address, weight]),
      ),
    );
  /** An operator's request. */
  const order = async (action: OrderRequest['action'], ...reals: string[]): Promise<void> => {
    feed({type: 'order', request: {action, reals, who: 'ann'}, addresses: new Map(), reply: 1});
    await settled();
  };
  const sent = <T extends CoreEffect['type']>(type: T): Extract<CoreEffect, {type: T}>[] =>
    effects.filter((effect): effect is Extract<CoreEffect, {type: T}> => effect.type === type);
  return {
    feed,
    settled,
    verdict,
    weights,
    order,
    sent,
    ipvs,
    operations,
    effects,
    get state() {
      return state;
    },
    reload: async (next: Loaded): Promise<void> => {
      feed({type: 'loaded', loaded: next});
      await settled();
    },
    /** Advances the clock and runs what is due. */
    pass: async (ms: number): Promise<void> => {
      now += ms;
      if (nextDeadline(state) <= now) feed({type: 'tick'});
      await settled();
    },
    toEngine: () => sent('to-engine').map(({message}) => message),
    toChecks: () => sent('to-checks').map(({message}) => message),
    recorded: () => sent('record').map(({draft}) => draft),
    virtuals: async () => {
      const observed = await ipvs.list();
      const judged = judgedOf(state.table);
      return state.table.config.files.flatMap((file) =>
        file.virtuals.map((virtual) =>
          virtualStatus(
            virtual,
            observed,
            judged,
            now,
            state.table.counting.weights ?? new Map(),
            state.table,
          ),
        ),
      );
    },
  };
};

test('verdicts become a table, and the engine becomes ready after the first round', async (t) => {
  const one = start(text(two));
  await one.settled();
  t.deepEqual(await one.weights(), {});
  await one.verdict('10.0.0.1', 'up');
  t.deepEqual(await one.weights(), {'10.0.0.1': 3});
  t.deepEqual(
    one.sent('readiness-changed').map(({readiness}) => readiness.ready),
    [false, false],
  );
  await one.verdict('10.0.0.2', 'down');
  t.true(one.sent('readiness-changed').some(({readiness}) => readiness.ready));
  t.deepEqual(await one.weights(), {'10.0.0.1': 3});
});

test('a virtual service’s hactl_rise overrides ha.cf’s, and Piranha’s texts reach the checks', async (t) => {
  const source = text(two).replace('service=http', 'hactl_expect="HTTP"');
  const sent = (from: string, rise?: number) => {
    const one = start(from, {
      engine: engineOf([]),
      groups: [],
      ...(rise === undefined ? {} : {rise}),
    });
    one.feed({type: 'checks', message: {type: 'ready', pid: 1}});
    return one.toChecks().flatMap((message) => (message.type === 'configure' ? message.specs : []));
  };
  const rises = (from: string, rise?: number) => sent(from, rise).map((spec) => spec.rise);
  t.deepEqual(rises(source), [undefined, undefined]);
  t.deepEqual(rises(source, 2), [2, 2]);
  t.deepEqual(rises(`${source}\thactl_rise=3\n`, 2), [3, 3]);
  t.deepEqual(rises(`${source}\thactl_rise=3\n`), [3, 3]);
  t.like(sent(source)[0], {service: 'send-expect', sendExpect: {expect: 'HTTP', regex: false}});
});

test('a supervisor that starts on a running table does not change it', async (t) => {
  const one = start(text(two));
  await one.settled();
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  const successor = start(text(two));
  for (const operation of one.operations) await successor.ipvs.apply(operation);
  successor.operations.length = 0;
  await successor.settled();
  t.deepEqual(successor.operations, []);
  await successor.verdict('10.0.0.1', 'up');
  await successor.verdict('10.0.0.2', 'up');
  t.deepEqual(successor.operations, []);
});

test('a reload edits what changed, keeps known verdicts, and deletes only our own services', async (t) => {
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
  await one.settled();
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  one.operations.length = 0;
  await one.reload(load(text('\treal=10.0.0.1:80 gate 5\n\treal=10.0.0.2:80 gate\n')));
  t.deepEqual(
    one.operations.map((operation) => operation.type),
    ['set-dest'],
  );
  await one.reload(load('checktimeout=1\n'));
  t.deepEqual(
    (await one.ipvs.list()).map(({service}) => service.key.kind),
    ['fwmark'],
  );
});

test('a real server in maintenance is down, whatever its checks say, and returns with its weight', async (t) => {
  const one = start(text(two));
  await one.settled();
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  await one.order('maintenance-on', '10.0.0.1');
  t.deepEqual(await one.weights(), {'10.0.0.2': 1});
  const [virtual] = await one.virtuals();
  t.like(virtual?.reals[0], {check: 'down', reason: 'Server in maintenance (by ann)'});
  await one.order('maintenance-off', '10.0.0.1');
  t.deepEqual(await one.weights(), {'10.0.0.1': 3, '10.0.0.2': 1});
});

test('quiescent=yes: a real server in maintenance keeps its connections with weight 0', async (t) => {
  const one = start(text(two, 'quiescent=yes\n'));
  await one.settled();
  await one.verdict('10.0.0.1', 'up');
  await one.order('maintenance-on', '10.0.0.1');
  t.deepEqual(await one.weights(), {'10.0.0.1': 0});
});

for (const [value, expected] of [
  ['yes', {'10.0.0.1': 0, '10.0.0.2': 1}],
  ['no', {'10.0.0.2': 1}],
] as const)
  test(`readdquiescent=${value}: a server that is down and absent`, async (t) => {
    const one = start(text(two, `quiescent=yes\nreaddquiescent=${value}\n`));
    await one.settled();
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
    await one.settled();
    await one.verdict('10.0.0.1', 'up');
    await clearTable(one.state.table.config.files, one.ipvs, () => undefined);
    t.is((await one.ipvs.list()).length, left);
  });
test('the engine may preempt only once the connections are synced', async (t) => {
  const one = start(text(two), {
    engine: engineOf([]),
    groups: [{name: 'g', node: 'a', resources: [{type: 'LVSSyncDaemonSwap', args: ['master']}]} as never],
  });
  const readiness = () =>
    one
      .toEngine()
      .flatMap((message) => (message.type === 'readiness' ? [message] : []))
      .at(-1);
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  t.like(readiness(), {ready: false, reason: 'connection sync: not started yet'});

  const report = (inSync: boolean, reason: string) =>
    one.feed({
      type: 'sync',
      message: {type: 'status', status: {daemons: [], report: {inSync, reason} as never}},
    });
  report(false, 'on its way');
  t.like(readiness(), {ready: false, reason: 'connection sync: on its way'});
  report(true, 'in sync with the peer');
  t.like(readiness(), {ready: true});
  report(false, 'on its way');
  t.like(readiness(), {ready: false});
});

test('the journal gets changed verdicts, table changes and role changes', async (t) => {
  const one = start(text(two), {engine: engineOf([1]), groups: []});
  await one.settled();
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'down');
  await one.verdict('10.0.0.1', 'down');
  one.feed({
    type: 'engine',
    message: {
      type: 'transition',
      transition: {vrid: 1, group: 'g1', from: 'Backup', to: 'Active', reason: 'd2 is dead', at: 5, wall: 7},
    },
  });
  t.deepEqual(
    one.recorded().map(({kind, text}) => [kind, text]),
    [
      ['table', 'Added virtual server: tcp 10.0.0.100:80'],
      ['table', 'Added real server: 10.0.0.1:80 (tcp 10.0.0.100:80) (Weight set to 3)'],
      ['check', 'tcp 10.0.0.100:80 > 10.0.0.2:80 is down: r'],
      ['ready', 'may take over by choice: first round of checks done, table programmed'],
      ['check', 'tcp 10.0.0.100:80 > 10.0.0.1:80 is down: r'],
      ['table', 'Deleted real server: 10.0.0.1:80 (tcp 10.0.0.100:80)'],
      ['role', 'g1: Backup -> Active: d2 is dead'],
    ],
  );
  t.is(one.recorded().at(-1)?.wall, 7);
});

test('a drained real server stays in the table with weight 0, and the fallback serves if all are drained', async (t) => {
  const one = start(text(two, 'fallback=127.0.0.1:80\n'));
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  await one.order('drain', '10.0.0.1');
  t.deepEqual(await one.weights(), {'10.0.0.1': 0, '10.0.0.2': 1});
  t.is((await one.virtuals())[0]?.reals[0]?.orderedWeight, 0);
  await one.order('drain', '10.0.0.2');
  t.deepEqual(await one.weights(), {'10.0.0.1': 0, '10.0.0.2': 0, '127.0.0.1': 1});
  await one.order('undrain', '10.0.0.1', '10.0.0.2');
  t.deepEqual(await one.weights(), {'10.0.0.1': 3, '10.0.0.2': 1});
});

test('a shorter deadtime reaches the engine only when the peer has it too', async (t) => {
  const engine = (deadtime: number, configDigest: string) => engineOf([], {deadtime, configDigest});
  const one = start(text(two), {engine: engine(10_000, 'aa'), groups: []});
  await one.settled();
  const deadtimes = () =>
    one.toEngine().flatMap((message) => (message.type === 'configure' ? [message.config.deadtime] : []));
  await one.reload({...load(text(two), {engine: engine(500, 'bb'), groups: []}), digest: 'bb'});
  const status = (configDigest: string) =>
    one.feed({
      type: 'engine',
      message: {
        type: 'status',
        id: 0,
        status: {
          groups: [],
          peers: [{name: 'b', state: 'up', configDigest}],
          paths: [],
          counters: {},
        } as never,
      },
    });
  status('aa');
  t.deepEqual(deadtimes(), [10_000]);
  status('bb');
  status('bb');
  t.deepEqual(deadtimes(), [10_000, 500]);
});

const transition = (vrid: number, to: 'Backup' | 'Active'): CoreEvent => ({
  type: 'engine',
  message: {
    type: 'transition',
    transition: {vrid, group: `g${vrid}`, from: 'Backup', to, reason: 'r', at: 0, wall: 0},
  },
});
const peerStatus = (
  ready: boolean,
  active: readonly number[] = [],
  configured: readonly number[] = [],
): CoreEvent => ({
  type: 'engine',
  message: {
    type: 'status',
    id: 0,
    status: {
      groups: [],
      paths: [],
      counters: {},
      peers: [
        {
          name: 'b',
          state: 'up',
          ready,
          groups: [
            ...active.map((vrid) => ({vrid, role: 'Active', priority: 1})),
            {vrid: 1, role: 'Backup', priority: 1, addresses: configured},
          ],
        },
      ],
    } as never,
  },
});

test('an Active group removed by a reload no longer has a role here, and the journal records it', async (t) => {
  const source = text(two, 'fallback=127.0.0.1:80\n');
  const one = start(source, {engine: engineOf([7, 9]), groups: []});
  one.feed(transition(7, 'Active'));
  t.true(speaksFor(one.state.roles, '10.0.0.100'));
  await one.reload(load(source, {engine: engineOf([9]), groups: []}));
  t.false(speaksFor(one.state.roles, '10.0.0.100'));
  t.false(anyActive(one.state.roles));
  t.is(
    one.recorded().findLast(({kind}) => kind === 'role')?.text,
    'g7: Active -> Initialize: removed from haresources',
  );
  one.feed(transition(7, 'Backup'));
  t.deepEqual([...one.state.roles.roles], [], 'later engine reports about it change nothing');
});

test('when the engine dies its roles end', (t) => {
  const one = start(text(two), {engine: engineOf([7]), groups: []});
  one.feed(transition(7, 'Active'));
  one.feed(peerStatus(true));
  one.feed({type: 'child-died', name: 'failover', how: 'SIGKILL'});
  t.false(anyActive(one.state.roles));
  t.deepEqual(
    one.effects
      .slice(-6)
      .map(({type}) => type)
      .filter((type) => type !== 'record'),
    ['remove-vips', 'send-priority-zero', 'transition', 'to-sync'],
  );
});

const farms = ['1', '2', '3'].map(
  (last) => `virtual=10.0.0.10${last}:80\n\treal=10.0.1.${last}:80 gate\n\tservice=http\n\tprotocol=tcp\n`,
);
const badScheduler = [farms[0], `${farms[1]}\tscheduler=xyz\n`, farms[2]].join('');
const allUp = async (run: ReturnType<typeof start>): Promise<void> => {
  for (const last of ['1', '2', '3']) {
    const id = `tcp 10.0.0.10${last}:80 > 10.0.1.${last}:80`;
    const report = {id, state: 'up' as const, failures: 0, checks: 1, reason: 'r', took: 1, at: 0};
    run.feed({type: 'checks', message: {type: 'verdict', report}});
  }
  await run.settled();
};

test('an entry that the kernel refuses: the rest is served, it is reported once and retried alone', async (t) => {
  const one = start(badScheduler);
  await allUp(one);
  t.deepEqual(await one.weights(), {'10.0.1.1': 1, '10.0.1.3': 1});
  t.deepEqual(one.state.roles.readiness, {
    ready: false,
    reason: 'the kernel refuses virtual server tcp 10.0.0.102:80',
  });
  t.is(one.sent('entry-refused').length, 1);
  const tries = (): number => [...one.state.table.refusals.values()][0]?.tries ?? 0;
  const times: number[] = [];
  for (let second = 0; second < 40; second += 1) {
    const before = tries();
    await one.pass(1_000);
    if (tries() > before) times.push(second);
  }
  t.deepEqual(
    times.slice(1).map((time, at) => time - (times[at] ?? 0)),
    [2, 4, 8, 16],
  );
  t.is(one.sent('entry-refused').length, 1, 'reported once');
  t.false(one.state.roles.readiness.ready, 'not after the first round’s limit either');
  await one.reload(load(farms.join('')));
  t.deepEqual(await one.weights(), {'10.0.1.1': 1, '10.0.1.2': 1, '10.0.1.3': 1});
  t.is(one.sent('entry-accepted').length, 1);
  t.true(one.state.roles.readiness.ready);
});

test('a table cleared between read and change is complete again after a second', async (t) => {
  const one = start(text(two));
  await one.verdict('10.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  const before = await one.weights();
  const list = one.ipvs.list.bind(one.ipvs);
  one.ipvs.list = async () => {
    const table = await list();
    one.ipvs.list = list;
    await one.ipvs.flush();
    return table;
  };
  await one.reload(load(text(`\tscheduler=sed\n${two}`)));
  await one.pass(1_000);
  t.deepEqual(await one.weights(), before);
  t.deepEqual(
    (await one.ipvs.list()).map(({service}) => service.scheduler),
    ['sed'],
  );
  t.deepEqual(one.sent('entry-refused'), []);
});

test('a refused entry due while the table cannot be read waits with the table, without a busy loop', async (t) => {
  const one = start(badScheduler);
  await allUp(one);
  one.ipvs.list = () => Promise.reject(new Error('no answer'));
  await one.pass(1_000);
  t.is(one.state.table.problem, 'no answer');
  t.is(nextTableDeadline(one.state.table), 2_000, 'the table is retried after a second');
});

test('a refused real server does not affect its service', async (t) => {
  const one = start(text('\treal=224.0.0.1:80 gate\n\treal=10.0.0.2:80 gate\n'));
  await one.verdict('224.0.0.1', 'up');
  await one.verdict('10.0.0.2', 'up');
  t.deepEqual(await one.weights(), {'10.0.0.2': 1});
  t.regex(one.state.roles.readiness.reason, /^the kernel refuses real server 224\.0\.0\.1:80 \(tcp/);
});

for (const [what, harm, found] of [
  [
    'the whole table',
    (ipvs: IpvsClient) => ipvs.flush(),
    /virtual server tcp 10\.0\.0\.100:80 was missing; real server .* was missing/,
  ],
  [
    'a server',
    (ipvs: IpvsClient) => ipvs.apply({type: 'del-dest', key: http, destination: dest('10.0.0.1', 3)}),
    /real server 10\.0\.0\.1:80 \(tcp 10\.0\.0\.100:80\) was missing$/,
  ],
  [
    'a weight',
    (ipvs: IpvsClient) => ipvs.apply({type: 'set-dest', key: http, destination: dest('10.0.0.1', 77)}),
    /real server 10\.0\.0\.1:80 .* had weight 77 instead of 3$/,
  ],
  [
    'an extra real server',
    (ipvs: IpvsClient) => ipvs.apply({type: 'new-dest', key: http, destination: dest('10.0.0.9', 1)}),
    /real server 10\.0\.0\.9:80 .* was not in the configuration$/,
  ],
] as const)
  test(`drift is repaired within two check intervals and reported: ${what}`, async (t) => {
    const one = start(text(two, 'checkinterval=5\n'));
    await one.verdict('10.0.0.1', 'up');
    await one.verdict('10.0.0.2', 'up');
    await harm(one.ipvs);
    for (let second = 0; second < 10; second += 1) await one.pass(1_000);
    t.deepEqual(await one.weights(), {'10.0.0.1': 3, '10.0.0.2': 1});
    t.is(one.sent('table-drifted').length, 1);
    const [event] = one.recorded().filter(({subject}) => subject === 'drift');
    t.is(event?.level, 'warn');
    t.regex(event?.text ?? '', found);
  });

test('a certificate about to expire: one event per day, and one when it was renewed', async (t) => {
  const one = start(text(two));
  const id = 'tcp 10.0.0.100:80 > 10.0.0.1:80';
  const hear = async (days?: number): Promise<void> => {
    const words = `the certificate runs out in ${days} days`;
    const report = {id, state: 'up' as const, failures: 0, checks: 1, reason: 'r', took: 1, at: 0};
    const certificate = days === undefined ? {} : {certificate: {date: '2026-12-24', days, words}};
    one.feed({type: 'checks', message: {type: 'verdict', report: {...report, ...certificate}}});
    await one.settled();
  };
  for (const days of [13, 13, 12, undefined, undefined])
    // oxlint-disable-next-line no-await-in-loop -- one report after another.
    await hear(days);
  const events = one.recorded().filter(({text: words}) => words.includes('certificate'));
  t.deepEqual(
    events.map(({level, subject, text: words}) => [level, subject, words]),
    [
      ['warn', id, `${id}: the certificate runs out in 13 days`],
      ['warn', id, `${id}: the certificate runs out in 12 days`],
      ['info', id, `${id}: the certificate is no longer about to expire`],
    ],
  );
});

test('foreign services and changes by a reload are not drift', async (t) => {
  const one = start(text(two, 'checkinterval=5\n'));
  await one.verdict('10.0.0.1', 'up');
  const foreign = {...http, port: 9_999};
  await one.ipvs.apply({
    type: 'new-service',
    service: {key: foreign, scheduler: 'rr', flags: noFlags, netmask: 32},
  });
  await one.pass(8_000);
  await one.reload(load(text('\treal=10.0.0.1:80 gate 5\n', 'checkinterval=5\n')));
  await one.pass(8_000);
  t.deepEqual(one.sent('table-drifted'), []);
  t.is((await one.ipvs.list()).length, 2);
});

test('Active with a table that does not serve: the groups are offered to a ready peer only', async (t) => {
  const one = start(badScheduler, {engine: engineOf([7]), groups: []});
  await allUp(one);
  one.feed(transition(7, 'Active'));
  const offers = () => one.toEngine().filter(({type}) => type === 'give-up');
  one.feed(peerStatus(false));
  for (let second = 0; second < 10; second += 1) await one.pass(1_000);
  t.deepEqual(offers(), [], 'the peer could not serve either');
  one.feed(peerStatus(true));
  await one.pass(4_999);
  t.deepEqual(offers(), []);
  await one.pass(1);
  t.like(offers()[0], {type: 'give-up', vrid: 7});
});

test('if both directors are Active each speaks for the addresses it holds', (t) => {
  const engine = engineOf([7, 9]);
  const [first, second] = engine.groups;
  const vip = (address: string) => [{family: 4 as const, address, prefixLength: 24, device: 'eth0'}];
  const groups =
    first && second
      ? [
          {...first, vips: vip('10.0.0.100')},
          {...second, vips: vip('10.0.0.101')},
        ]
      : [];
  const one = start(text(two), {engine: {...engine, groups}, groups: []});
  one.feed(transition(9, 'Active'));
  one.feed(peerStatus(true, [7]));
  const speaks = () =>
    ['10.0.0.100', '10.0.0.101', '10.0.0.250'].map((address) => speaksFor(one.state.roles, address));
  t.deepEqual(speaks(), [false, true, false], 'the peer holds the first group');
  one.feed(peerStatus(true));
  t.deepEqual(speaks(), [false, true, true]);
  // The last of the three is only in the peer's haresources, which was edited first.
  one.feed(peerStatus(true, [], [addressHash('10.0.0.250')]));
  t.deepEqual(speaks(), [false, true, false]);
});

test('a verdict reads only its own service, and does not delay the read of the others', async (t) => {
  const source = (port: number): string =>
    text('\treal=10.0.0.1:80 gate\n').replaceAll('10.0.0.100:80', `10.0.0.100:${port}`);
  const one = start(`${source(80)}\n${source(81)}`);
  await one.settled();
  await one.verdict('10.0.0.1', 'up');
  const reads = one.effects.flatMap((effect) => (effect.type === 'read-table' ? [effect.only ?? 'all'] : []));
  t.is(reads[0], 'all');
  t.deepEqual(reads.at(-1)?.valueOf(), [
    {kind: 'address', family: 4, protocol: 'tcp', address: '10.0.0.100', port: 80},
  ]);
  const {auditAt} = one.state.table;
  await one.verdict('10.0.0.1', 'down');
  t.is(one.state.table.auditAt, auditAt);
  t.is((await one.ipvs.list()).length, 2);
});

test('the status says how late the checks of each service are, and which servers are in quarantine', async (t) => {
  const one = start(text('\treal=10.0.0.1:80 gate\n\treal=10.0.0.2:80 gate\n'));
  await one.settled();
  const [check = '', other = ''] = one.state.table.reports.ids;
  const late = {p50: 1, p99: 7, max: 8};
  const tell = (services: readonly ServiceLateness[], quarantined: readonly string[]): void =>
    one.feed({
      type: 'checks',
      message: {type: 'reports', reports: [], lateness: late, services, quarantined},
    });
  tell([{check, ...late}], [other]);
  const [before] = await one.virtuals();
  t.deepEqual(before?.checkLateness, late);
  t.deepEqual(
    before?.reals.map(({quarantined}) => quarantined),
    [undefined, true],
  );
  tell([], []);
  const [after] = await one.virtuals();
  t.is(after?.checkLateness, undefined, 'what was is not shown for ever');
  t.true(after?.reals.every(({quarantined}) => quarantined === undefined));
});

test('ten thousand verdicts: the state is not copied with each', (t) => {
  const reals = Array.from(
    {length: 10_000},
    (_, at) => `\treal=10.${1 + (at >> 8)}.${at & 255}.1:80 gate\n`,
  ).join('');
  const one = start(text(reals));
  const ids = [...one.state.table.reports.ids];
  const before = performance.now();
  for (const id of ids) {
    const report = {id, state: 'up' as const, failures: 0, checks: 1, reason: 'r', took: 1, at: 0};
    one.feed({type: 'checks', message: {type: 'verdict', report}});
  }
  t.is(one.state.table.reports.unknown, 0);
  t.true(performance.now() - before < 20_000, 'two milliseconds each would mean copying');
});
