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
import {linesOf} from './facts.ts';
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
  const supervisor = start(text(two));
  await supervisor.settled();
  t.deepEqual(await supervisor.weights(), {});
  await supervisor.verdict('10.0.0.1', 'up');
  t.deepEqual(await supervisor.weights(), {'10.0.0.1': 3});
  t.deepEqual(
    supervisor.sent('readiness-changed').map(({readiness}) => readiness.ready),
    [false, false],
  );
  await supervisor.verdict('10.0.0.2', 'down');
  t.true(supervisor.sent('readiness-changed').some(({readiness}) => readiness.ready));
  t.deepEqual(await supervisor.weights(), {'10.0.0.1': 3});
});

test('a virtual service’s hactl_rise overrides ha.cf’s, and Piranha’s texts reach the checks', async (t) => {
  const source = text(two).replace('service=http', 'hactl_expect="HTTP"');
  const sent = (from: string, rise?: number) => {
    const supervisor = start(from, {
      engine: engineOf([]),
      groups: [],
      ...(rise === undefined ? {} : {rise}),
    });
    supervisor.feed({type: 'checks', message: {type: 'ready', pid: 1}});
    return supervisor.toChecks().flatMap((message) => (message.type === 'configure' ? message.specs : []));
  };
  const rises = (from: string, rise?: number) => sent(from, rise).map((spec) => spec.rise);
  t.deepEqual(rises(source), [undefined, undefined]);
  t.deepEqual(rises(source, 2), [2, 2]);
  t.deepEqual(rises(`${source}\thactl_rise=3\n`, 2), [3, 3]);
  t.deepEqual(rises(`${source}\thactl_rise=3\n`), [3, 3]);
  t.like(sent(source)[0], {service: 'send-expect', sendExpect: {expect: 'HTTP', regex: false}});
});

test('a supervisor that starts on a running table does not change it', async (t) => {
  const supervisor = start(text(two));
  await supervisor.settled();
  await supervisor.verdict('10.0.0.1', 'up');
  await supervisor.verdict('10.0.0.2', 'up');
  const successor = start(text(two));
  for (const operation of supervisor.operations) await successor.ipvs.apply(operation);
  successor.operations.length = 0;
  await successor.settled();
  t.deepEqual(successor.operations, []);
  await successor.verdict('10.0.0.1', 'up');
  await successor.verdict('10.0.0.2', 'up');
  t.deepEqual(successor.operations, []);
});

test('a reload edits what changed, keeps known verdicts, and deletes only our own services', async (t) => {
  const supervisor = start(text(two));
  await supervisor.ipvs.apply({
    type: 'new-service',
    service: {
      key: {kind: 'fwmark', family: 4, mark: 9},
      scheduler: 'rr',
      flags: {ops: false, flag1: false, flag2: false, flag3: false},
      netmask: 32,
    },
  });
  await supervisor.settled();
  await supervisor.verdict('10.0.0.1', 'up');
  await supervisor.verdict('10.0.0.2', 'up');
  supervisor.operations.length = 0;
  await supervisor.reload(load(text('\treal=10.0.0.1:80 gate 5\n\treal=10.0.0.2:80 gate\n')));
  t.deepEqual(
    supervisor.operations.map((operation) => operation.type),
    ['set-dest'],
  );
  await supervisor.reload(load('checktimeout=1\n'));
  t.deepEqual(
    (await supervisor.ipvs.list()).map(({service}) => service.key.kind),
    ['fwmark'],
  );
});

test('a real server in maintenance is down, whatever its checks say, and returns with its weight', async (t) => {
  const supervisor = start(text(two));
  await supervisor.settled();
  await supervisor.verdict('10.0.0.1', 'up');
  await supervisor.verdict('10.0.0.2', 'up');
  await supervisor.order('maintenance-on', '10.0.0.1');
  t.deepEqual(await supervisor.weights(), {'10.0.0.2': 1});
  const [virtual] = await supervisor.virtuals();
  t.like(virtual?.reals[0], {check: 'down', reason: 'Server in maintenance (by ann)'});
  await supervisor.order('maintenance-off', '10.0.0.1');
  t.deepEqual(await supervisor.weights(), {'10.0.0.1': 3, '10.0.0.2': 1});
});

test('quiescent=yes: a real server in maintenance keeps its connections with weight 0', async (t) => {
  const supervisor = start(text(two, 'quiescent=yes\n'));
  await supervisor.settled();
  await supervisor.verdict('10.0.0.1', 'up');
  await supervisor.order('maintenance-on', '10.0.0.1');
  t.deepEqual(await supervisor.weights(), {'10.0.0.1': 0});
});

for (const [value, expected] of [
  ['yes', {'10.0.0.1': 0, '10.0.0.2': 1}],
  ['no', {'10.0.0.2': 1}],
] as const)
  test(`readdquiescent=${value}: a server that is down and absent`, async (t) => {
    const supervisor = start(text(two, `quiescent=yes\nreaddquiescent=${value}\n`));
    await supervisor.settled();
    await supervisor.verdict('10.0.0.1', 'down');
    await supervisor.verdict('10.0.0.2', 'up');
    t.deepEqual(await supervisor.weights(), expected);
  });

for (const [value, left] of [
  ['yes', 0],
  ['no', 1],
] as const)
  test(`cleanstop=${value}: ${left === 0 ? 'the table is empty' : 'the table stays'} at the end`, async (t) => {
    const supervisor = start(text(two, `cleanstop=${value}\n`));
    await supervisor.settled();
    await supervisor.verdict('10.0.0.1', 'up');
    await clearTable(supervisor.state.table.config.files, supervisor.ipvs, () => undefined);
    t.is((await supervisor.ipvs.list()).length, left);
  });
test('the engine may preempt only once the connections are synced', async (t) => {
  const supervisor = start(text(two), {
    engine: engineOf([]),
    groups: [{name: 'g', node: 'a', resources: [{type: 'LVSSyncDaemonSwap', args: ['master']}]} as never],
  });
  const readiness = () =>
    supervisor
      .toEngine()
      .flatMap((message) => (message.type === 'readiness' ? [message] : []))
      .at(-1);
  await supervisor.verdict('10.0.0.1', 'up');
  await supervisor.verdict('10.0.0.2', 'up');
  t.like(readiness(), {ready: false, reason: 'connection sync: not started yet'});

  const report = (inSync: boolean, reason: string) =>
    supervisor.feed({
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
  const supervisor = start(text(two), {engine: engineOf([1]), groups: []});
  await supervisor.settled();
  await supervisor.verdict('10.0.0.1', 'up');
  await supervisor.verdict('10.0.0.2', 'down');
  await supervisor.verdict('10.0.0.1', 'down');
  supervisor.feed({
    type: 'engine',
    message: {
      type: 'transition',
      transition: {vrid: 1, group: 'g1', from: 'Backup', to: 'Active', reason: 'd2 is dead', at: 5, wall: 7},
    },
  });
  t.deepEqual(
    supervisor.recorded().map(({kind, text}) => [kind, text]),
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
  t.is(supervisor.recorded().at(-1)?.wall, 7);
});

test('a drained real server stays in the table with weight 0, and the fallback serves if all are drained', async (t) => {
  const supervisor = start(text(two, 'fallback=127.0.0.1:80\n'));
  await supervisor.verdict('10.0.0.1', 'up');
  await supervisor.verdict('10.0.0.2', 'up');
  await supervisor.order('drain', '10.0.0.1');
  t.deepEqual(await supervisor.weights(), {'10.0.0.1': 0, '10.0.0.2': 1});
  t.is((await supervisor.virtuals())[0]?.reals[0]?.orderedWeight, 0);
  await supervisor.order('drain', '10.0.0.2');
  t.deepEqual(await supervisor.weights(), {'10.0.0.1': 0, '10.0.0.2': 0, '127.0.0.1': 1});
  await supervisor.order('undrain', '10.0.0.1', '10.0.0.2');
  t.deepEqual(await supervisor.weights(), {'10.0.0.1': 3, '10.0.0.2': 1});
});

test('a shorter deadtime reaches the engine only when the peer has it too', async (t) => {
  const engine = (deadtime: number, configDigest: string) => engineOf([], {deadtime, configDigest});
  const supervisor = start(text(two), {engine: engine(10_000, 'aa'), groups: []});
  await supervisor.settled();
  const deadtimes = () =>
    supervisor
      .toEngine()
      .flatMap((message) => (message.type === 'configure' ? [message.config.deadtime] : []));
  await supervisor.reload({...load(text(two), {engine: engine(500, 'bb'), groups: []}), digest: 'bb'});
  const status = (configDigest: string) =>
    supervisor.feed({
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
  const supervisor = start(source, {engine: engineOf([7, 9]), groups: []});
  supervisor.feed(transition(7, 'Active'));
  t.true(speaksFor(supervisor.state.roles, '10.0.0.100'));
  await supervisor.reload(load(source, {engine: engineOf([9]), groups: []}));
  t.false(speaksFor(supervisor.state.roles, '10.0.0.100'));
  t.false(anyActive(supervisor.state.roles));
  t.is(
    supervisor.recorded().findLast(({kind}) => kind === 'role')?.text,
    'g7: Active -> Initialize: removed from haresources',
  );
  supervisor.feed(transition(7, 'Backup'));
  t.deepEqual([...supervisor.state.roles.roles], [], 'later engine reports about it change nothing');
});

test('when the engine dies its roles end', (t) => {
  const supervisor = start(text(two), {engine: engineOf([7]), groups: []});
  supervisor.feed(transition(7, 'Active'));
  supervisor.feed(peerStatus(true));
  supervisor.feed({type: 'child-died', name: 'failover', how: 'SIGKILL'});
  t.false(anyActive(supervisor.state.roles));
  t.deepEqual(
    supervisor.effects
      .slice(-6)
      .map(({type}) => type)
      .filter((type) => type !== 'record'),
    ['remove-vips', 'send-priority-zero', 'transition', 'to-sync'],
  );
});

test('the sync process dies of SIGTRAP: log and journal say what causes that, and its successor is configured', (t) => {
  const supervisor = start(text(two), {engine: engineOf([7]), groups: []});
  supervisor.feed({type: 'child-died', name: 'sync', how: 'SIGTRAP'});
  const cause = /sync.* ended \(SIGTRAP: the kernel refused it memory .*\).* restarting it/;
  const [line] = supervisor.sent('child-died').flatMap(linesOf);
  t.regex(line?.text ?? '', cause);
  t.regex(supervisor.recorded().at(-1)?.text ?? '', cause);
  const before = supervisor.sent('to-sync').length;
  supervisor.feed({type: 'sync', message: {type: 'ready', pid: 2}});
  t.deepEqual(
    supervisor
      .sent('to-sync')
      .slice(before)
      .map(({message}) => message.type),
    ['configure'],
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
  const supervisor = start(badScheduler);
  await allUp(supervisor);
  t.deepEqual(await supervisor.weights(), {'10.0.1.1': 1, '10.0.1.3': 1});
  t.deepEqual(supervisor.state.roles.readiness, {
    ready: false,
    reason: 'the kernel refuses virtual server tcp 10.0.0.102:80',
  });
  t.is(supervisor.sent('entry-refused').length, 1);
  const tries = (): number => [...supervisor.state.table.refusals.values()][0]?.tries ?? 0;
  const times: number[] = [];
  for (let second = 0; second < 40; second += 1) {
    const before = tries();
    await supervisor.pass(1_000);
    if (tries() > before) times.push(second);
  }
  t.deepEqual(
    times.slice(1).map((time, at) => time - (times[at] ?? 0)),
    [2, 4, 8, 16],
  );
  t.is(supervisor.sent('entry-refused').length, 1, 'reported once');
  t.false(supervisor.state.roles.readiness.ready, 'not after the first round’s limit either');
  await supervisor.reload(load(farms.join('')));
  t.deepEqual(await supervisor.weights(), {'10.0.1.1': 1, '10.0.1.2': 1, '10.0.1.3': 1});
  t.is(supervisor.sent('entry-accepted').length, 1);
  t.true(supervisor.state.roles.readiness.ready);
});

test('a table cleared between read and change is complete again after a second', async (t) => {
  const supervisor = start(text(two));
  await supervisor.verdict('10.0.0.1', 'up');
  await supervisor.verdict('10.0.0.2', 'up');
  const before = await supervisor.weights();
  const list = supervisor.ipvs.list.bind(supervisor.ipvs);
  supervisor.ipvs.list = async () => {
    const table = await list();
    supervisor.ipvs.list = list;
    await supervisor.ipvs.flush();
    return table;
  };
  await supervisor.reload(load(text(`\tscheduler=sed\n${two}`)));
  await supervisor.pass(1_000);
  t.deepEqual(await supervisor.weights(), before);
  t.deepEqual(
    (await supervisor.ipvs.list()).map(({service}) => service.scheduler),
    ['sed'],
  );
  t.deepEqual(supervisor.sent('entry-refused'), []);
});

test('a refused entry due while the table cannot be read waits with the table, without a busy loop', async (t) => {
  const supervisor = start(badScheduler);
  await allUp(supervisor);
  supervisor.ipvs.list = () => Promise.reject(new Error('no answer'));
  await supervisor.pass(1_000);
  t.is(supervisor.state.table.problem, 'no answer');
  t.is(nextTableDeadline(supervisor.state.table), 2_000, 'the table is retried after a second');
});

test('a refused real server does not affect its service', async (t) => {
  const supervisor = start(text('\treal=224.0.0.1:80 gate\n\treal=10.0.0.2:80 gate\n'));
  await supervisor.verdict('224.0.0.1', 'up');
  await supervisor.verdict('10.0.0.2', 'up');
  t.deepEqual(await supervisor.weights(), {'10.0.0.2': 1});
  t.regex(supervisor.state.roles.readiness.reason, /^the kernel refuses real server 224\.0\.0\.1:80 \(tcp/);
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
    const supervisor = start(text(two, 'checkinterval=5\n'));
    await supervisor.verdict('10.0.0.1', 'up');
    await supervisor.verdict('10.0.0.2', 'up');
    await harm(supervisor.ipvs);
    for (let second = 0; second < 10; second += 1) await supervisor.pass(1_000);
    t.deepEqual(await supervisor.weights(), {'10.0.0.1': 3, '10.0.0.2': 1});
    t.is(supervisor.sent('table-drifted').length, 1);
    const [event] = supervisor.recorded().filter(({subject}) => subject === 'drift');
    t.is(event?.level, 'warn');
    t.regex(event?.text ?? '', found);
  });

test('a certificate about to expire: one event per day, and one when it was renewed', async (t) => {
  const supervisor = start(text(two));
  const id = 'tcp 10.0.0.100:80 > 10.0.0.1:80';
  const hear = async (days?: number): Promise<void> => {
    const words = `the certificate runs out in ${days} days`;
    const report = {id, state: 'up' as const, failures: 0, checks: 1, reason: 'r', took: 1, at: 0};
    const certificate = days === undefined ? {} : {certificate: {date: '2026-12-24', days, words}};
    supervisor.feed({type: 'checks', message: {type: 'verdict', report: {...report, ...certificate}}});
    await supervisor.settled();
  };
  for (const days of [13, 13, 12, undefined, undefined])
    // oxlint-disable-next-line no-await-in-loop -- one report after another.
    await hear(days);
  const events = supervisor.recorded().filter(({text: words}) => words.includes('certificate'));
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
  const supervisor = start(text(two, 'checkinterval=5\n'));
  await supervisor.verdict('10.0.0.1', 'up');
  const foreign = {...http, port: 9_999};
  await supervisor.ipvs.apply({
    type: 'new-service',
    service: {key: foreign, scheduler: 'rr', flags: noFlags, netmask: 32},
  });
  await supervisor.pass(8_000);
  await supervisor.reload(load(text('\treal=10.0.0.1:80 gate 5\n', 'checkinterval=5\n')));
  await supervisor.pass(8_000);
  t.deepEqual(supervisor.sent('table-drifted'), []);
  t.is((await supervisor.ipvs.list()).length, 2);
});

test('Active with a table that does not serve: the groups are offered to a ready peer only', async (t) => {
  const supervisor = start(badScheduler, {engine: engineOf([7]), groups: []});
  await allUp(supervisor);
  supervisor.feed(transition(7, 'Active'));
  const offers = () => supervisor.toEngine().filter(({type}) => type === 'give-up');
  supervisor.feed(peerStatus(false));
  for (let second = 0; second < 10; second += 1) await supervisor.pass(1_000);
  t.deepEqual(offers(), [], 'the peer could not serve either');
  supervisor.feed(peerStatus(true));
  await supervisor.pass(4_999);
  t.deepEqual(offers(), []);
  await supervisor.pass(1);
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
  const supervisor = start(text(two), {engine: {...engine, groups}, groups: []});
  supervisor.feed(transition(9, 'Active'));
  supervisor.feed(peerStatus(true, [7]));
  const speaks = () =>
    ['10.0.0.100', '10.0.0.101', '10.0.0.250'].map((address) => speaksFor(supervisor.state.roles, address));
  t.deepEqual(speaks(), [false, true, false], 'the peer holds the first group');
  supervisor.feed(peerStatus(true));
  t.deepEqual(speaks(), [false, true, true]);
  // The last of the three is only in the peer's haresources, which was edited first.
  supervisor.feed(peerStatus(true, [], [addressHash('10.0.0.250')]));
  t.deepEqual(speaks(), [false, true, false]);
});

test('a verdict reads only its own service, and does not delay the read of the others', async (t) => {
  const source = (port: number): string =>
    text('\treal=10.0.0.1:80 gate\n').replaceAll('10.0.0.100:80', `10.0.0.100:${port}`);
  const supervisor = start(`${source(80)}\n${source(81)}`);
  await supervisor.settled();
  await supervisor.verdict('10.0.0.1', 'up');
  const reads = supervisor.effects.flatMap((effect) =>
    effect.type === 'read-table' ? [effect.only ?? 'all'] : [],
  );
  t.is(reads[0], 'all');
  t.deepEqual(reads.at(-1)?.valueOf(), [
    {kind: 'address', family: 4, protocol: 'tcp', address: '10.0.0.100', port: 80},
  ]);
  const {auditAt} = supervisor.state.table;
  await supervisor.verdict('10.0.0.1', 'down');
  t.is(supervisor.state.table.auditAt, auditAt);
  t.is((await supervisor.ipvs.list()).length, 2);
});

test('the status says how late the checks of each service are, and which servers are in quarantine', async (t) => {
  const supervisor = start(text('\treal=10.0.0.1:80 gate\n\treal=10.0.0.2:80 gate\n'));
  await supervisor.settled();
  const [check = '', other = ''] = supervisor.state.table.reports.ids;
  const late = {p50: 1, p99: 7, max: 8};
  const tell = (services: readonly ServiceLateness[], quarantined: readonly string[]): void =>
    supervisor.feed({
      type: 'checks',
      message: {type: 'reports', reports: [], lateness: late, services, quarantined},
    });
  tell([{check, ...late}], [other]);
  const [before] = await supervisor.virtuals();
  t.deepEqual(before?.checkLateness, late);
  t.deepEqual(
    before?.reals.map(({quarantined}) => quarantined),
    [undefined, true],
  );
  tell([], []);
  const [after] = await supervisor.virtuals();
  t.is(after?.checkLateness, undefined, 'what was is not shown for ever');
  t.true(after?.reals.every(({quarantined}) => quarantined === undefined));
});

test('ten thousand verdicts: the state is not copied with each', (t) => {
  const reals = Array.from(
    {length: 10_000},
    (_, at) => `\treal=10.${1 + (at >> 8)}.${at & 255}.1:80 gate\n`,
  ).join('');
  const supervisor = start(text(reals));
  const ids = [...supervisor.state.table.reports.ids];
  const before = performance.now();
  for (const id of ids) {
    const report = {id, state: 'up' as const, failures: 0, checks: 1, reason: 'r', took: 1, at: 0};
    supervisor.feed({type: 'checks', message: {type: 'verdict', report}});
  }
  t.is(supervisor.state.table.reports.unknown, 0);
  t.true(performance.now() - before < 20_000, 'two milliseconds each would mean copying');
});

test('UDP: the sync process learns which servers failed, those in maintenance and of TCP services left out', async (t) => {
  const source = (protocol: string): string =>
    `quiescent=yes\nvirtual=10.0.0.100:53\n${two.replaceAll(':80', ':53')}\tprotocol=${protocol}\n\tservice=dns\n\trequest="x"\n`;
  const supervisor = start(source('udp'));
  const flows = () =>
    supervisor
      .sent('to-sync')
      .flatMap(({message}) => (message.type === 'flows' ? [message.failed.map(({address}) => address)] : []));
  const verdict = async (address: string, state: CheckState): Promise<void> => {
    const id = `udp 10.0.0.100:53 > ${address}:53`;
    const report = {id, state, failures: 0, checks: 1, reason: 'r', took: 1, at: 0};
    supervisor.feed({type: 'checks', message: {type: 'verdict', report}});
    await supervisor.settled();
  };
  for (const address of ['10.0.0.1', '10.0.0.2']) await verdict(address, 'up'); // oxlint-disable-line no-await-in-loop
  await verdict('10.0.0.1', 'down');
  t.deepEqual(flows().at(-1), ['10.0.0.1']);
  t.deepEqual(await supervisor.weights(), {'10.0.0.1': 0, '10.0.0.2': 1});
  supervisor.feed({type: 'sync', message: {type: 'ready', pid: 2}});
  t.deepEqual(flows().at(-1), ['10.0.0.1'], 'a new sync process, too');
  await verdict('10.0.0.1', 'up');
  t.deepEqual(flows().at(-1), []);
  await supervisor.order('maintenance-on', '10.0.0.2');
  t.deepEqual(flows().at(-1), [], 'drained');
  t.is((await supervisor.weights())['10.0.0.2'], 0);

  const tcp = start(source('tcp'));
  tcp.feed({type: 'sync', message: {type: 'ready', pid: 2}});
  t.false(tcp.sent('to-sync').some(({message}) => message.type === 'flows'));
});
