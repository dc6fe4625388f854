/** Overrides for real servers: what an argument matches, what survives a restart, what is refused with which suggestion. */
import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {parseLdirectordCf} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import type {OrderRequest} from '../control/protocol.ts';
import {readRequest} from './order-requests.ts';
import {runOperators} from './run.fixture.ts';
import {type Order} from '../control/orders.ts';
import {carryOut, isOrderRequest, orderedHeld, orderedWeights, orderViews} from './orders.ts';
import {checkTargetsOf, readReal} from './order-targets.ts';

const {model} = parseLdirectordCf(
  {
    path: 'x.cf',
    text: `virtual=10.0.0.100:80
\treal=10.0.0.1:80 gate 3
\treal=10.0.0.2:8080 masq
\tservicename=web
virtual=10.0.0.100:443
\treal=10.0.0.1:443 gate
\treal=10.0.0.2:443 gate
virtual6=[2001:db8::64]:80
\treal6=[2001:db8::1]:80 gate
`,
  },
  {mode: 'lenient', resolve: {host: () => undefined, service: () => undefined}},
);
const files = [model];
const places = checkTargetsOf(files);
const http = 'tcp 10.0.0.100:80 > ';
const https = 'tcp 10.0.0.100:443 > ';

const names = (host: string): readonly string[] => (host === 'web1' ? ['10.0.0.1', '2001:db8::1'] : []);
const give = (orders: readonly Order[], request: Partial<OrderRequest>) =>
  carryOut(orders, {action: 'drain', reals: ['10.0.0.1'], who: 'ann', ...request}, files, names, 1_000);
const given = (...requests: Partial<OrderRequest>[]): readonly Order[] =>
  requests.reduce<readonly Order[]>((orders, request) => {
    const done = give(orders, request);
    if (!done.ok) throw new Error(done.fault);
    return done.value.orders;
  }, []);

const reach = test.macro({
  exec(t, request: Partial<OrderRequest>, expected: Record<string, number>) {
    t.deepEqual(Object.fromEntries(orderedWeights(given(request), places)), expected);
  },
  title: (title) => title ?? '',
});
test(
  'an address matches every port and virtual service',
  reach,
  {},
  {[`${http}10.0.0.1:80`]: 0, [`${https}10.0.0.1:443`]: 0},
);
test(
  'an address with a port matches that port only',
  reach,
  {reals: ['10.0.0.1:443']},
  {[`${https}10.0.0.1:443`]: 0},
);
test(
  'with masq the real server’s own port is matched',
  reach,
  {reals: ['10.0.0.2:8080']},
  {[`${http}10.0.0.2:8080`]: 0},
);
test('one virtual service by its name', reach, {virtual: 'web'}, {[`${http}10.0.0.1:80`]: 0});
test('one virtual service by its address', reach, {virtual: '10.0.0.100:443'}, {[`${https}10.0.0.1:443`]: 0});
test(
  'a host name matches all its addresses',
  reach,
  {reals: ['web1'], virtual: '[2001:db8::64]:80'},
  {
    'tcp [2001:db8::64]:80 > [2001:db8::1]:80': 0,
  },
);
test(
  'a weight',
  reach,
  {action: 'weight', weight: 7, reals: ['10.0.0.2:443']},
  {[`${https}10.0.0.2:443`]: 7},
);

test('a drain hides a weight, and undrain restores it', (t) => {
  const weight = {action: 'weight', weight: 7, reals: ['10.0.0.1:80']} as const;
  const id = `${http}10.0.0.1:80`;
  t.is(orderedWeights(given(weight, {}), places).get(id), 0);
  t.is(orderedWeights(given(weight, {}, {action: 'undrain'}), places).get(id), 7);
  t.is(orderedWeights(given(weight, {...weight, action: 'weight-reset'}), places).get(id), undefined);
});

test('maintenance keeps a real server down and says by whom and why', (t) => {
  const orders = given({action: 'maintenance-on', reals: ['10.0.0.1:80'], reason: 'new disk'});
  t.deepEqual(
    [...orderedHeld(orders, places)],
    [[`${http}10.0.0.1:80`, 'Server in maintenance (by ann: new disk)']],
  );
  t.deepEqual(orderViews(orders, places, new Map([[`${https}10.0.0.2:443`, 'x']])), [
    {
      kind: 'maintenance',
      target: '10.0.0.1:80',
      reals: [`${http}10.0.0.1:80`],
      who: 'ann',
      when: 1_000,
      reason: 'new disk',
    },
    {kind: 'maintenance-file', target: '10.0.0.2:443 in tcp 10.0.0.100:443', reals: [`${https}10.0.0.2:443`]},
  ]);
});

const refused = test.macro({
  exec(t, request: Partial<OrderRequest>, expected: RegExp) {
    const done = give(given({}), request);
    t.false(done.ok);
    if (!done.ok) t.regex(done.fault, expected);
  },
  title: (title) => `refused: ${title ?? ''}`,
});
test('a typo', refused, {reals: ['10.0.0.11:80']}, /did you mean 10\.0\.0\.1:80\?/);
test('an unknown name', refused, {reals: ['web9']}, /no such host name either/);
test('an unknown virtual service', refused, {virtual: 'wed'}, /did you mean web\?/);
test(
  'an ambiguous virtual service',
  refused,
  {virtual: '10.0.0.100'},
  /several virtual services: tcp .*:80, tcp .*:443/,
);
test(
  'a real server of another virtual service',
  refused,
  {reals: ['2001:db8::1'], virtual: 'web'},
  /no real server .* in tcp/,
);
test('a weight that is not a whole number', refused, {action: 'weight', weight: 1.5}, /0 to 65535/);
test('no override to revoke', refused, {action: 'undrain', reals: ['10.0.0.2']}, /nothing to revoke/);
test(
  'part of a wider override',
  refused,
  {action: 'undrain', reals: ['10.0.0.1:80']},
  /covered by an override for 10\.0\.0\.1 \(drain, by ann\)/,
);
test('one bad argument of two refuses both', refused, {reals: ['10.0.0.2', 'nowhere']}, /nowhere/);

test('the override for a removed real server can be revoked', (t) => {
  const orders: Order[] = [{kind: 'drain', address: '10.9.9.9', who: 'ann', when: 0}];
  const done = give(orders, {action: 'undrain', reals: ['10.9.9.9']});
  t.deepEqual(done.ok && done.value.orders, []);
  t.deepEqual(orderViews(orders, places, new Map())[0]?.reals, []);
});

test('a real server is written as address, name, or either with a port', (t) => {
  t.deepEqual(readReal('[2001:DB8::1]:80'), {host: '2001:db8::1', port: 80});
  t.deepEqual(readReal('2001:db8::1'), {host: '2001:db8::1'});
  t.deepEqual(readReal('web1:80'), {host: 'web1', port: 80});
  for (const wrong of ['', ':80', 'web1:', 'web1:x', 'web1:99999', 'web1:0'])
    t.is(readReal(wrong), undefined, wrong);
});

test('an invalid request is not accepted', (t) => {
  t.true(isOrderRequest({action: 'drain', reals: ['x'], who: 'ann'}));
  for (const wrong of [
    {},
    {action: 'drain', reals: [], who: 'ann'},
    {action: 'toString', reals: ['x'], who: 'ann'},
    {action: 'drain', reals: [1], who: 'ann'},
    {action: 'drain', reals: ['x']},
    {action: 'weight', reals: ['x'], who: 'ann', weight: '5'},
  ])
    t.false(isOrderRequest(wrong), JSON.stringify(wrong));
});

const folder = (t: ExecutionContext): string => {
  const made = mkdtempSync(path.join(os.tmpdir(), 'hactl-orders-'));
  t.teardown(() => rmSync(made, {recursive: true, force: true}));
  return made;
};

test('an override is in force again after a restart; a damaged file is kept aside and reported', (t) => {
  const stateDir = folder(t);
  const log: string[] = [];
  const open = () =>
    runOperators({stateDir, files, log: (level, message) => log.push(`${level} ${message}`)});
  const first = open();
  const drained = first.order({action: 'drain', reals: ['10.0.0.2:443'], who: 'ann'});
  t.deepEqual(drained.lines, [`${https}10.0.0.2:443: drained: no new connections, existing ones continue`]);
  t.deepEqual(drained.notes, []);
  t.deepEqual(
    first.facts.map(({type}) => type),
    ['order-given', 'overrides-changed'],
  );
  t.deepEqual([...open().state.weights], [[`${https}10.0.0.2:443`, 0]]);

  writeFileSync(path.join(stateDir, 'orders.json'), '{"orders": [{"kind": "drain"}]}');
  t.is(open().state.weights.size, 0);
  t.regex(log.join('\n'), /error .*orders\.json cannot be used/);
  t.deepEqual(readdirSync(stateDir), ['orders.json.damaged']);
});

test('maintenance by file outlasts the operator’s, and the answer reports it', (t) => {
  const withDirectory = [{...model, maintenanceDir: '/m'}];
  const one = runOperators({stateDir: folder(t), files: withDirectory});
  one.feed({
    type: 'maintenance',
    maintenance: {files: new Map([['/m', new Set(['10.0.0.1:80'])]]), hostNames: new Map()},
  });
  one.order({action: 'maintenance-on', reals: ['10.0.0.1'], who: 'ann'});
  const off = one.order({action: 'maintenance-off', reals: ['10.0.0.1'], who: 'ann'});
  t.regex(off.notes.join(), /10\.0\.0\.1:80 in tcp 10\.0\.0\.100:80 stays in maintenance: a file/);
  t.deepEqual([...one.state.heldByFile], [[`${http}10.0.0.1:80`, 'Server in maintenance']]);
});

test('an override that cannot be written to disk is refused and not in force', (t) => {
  const one = runOperators({stateDir: path.join(folder(t), 'missing'), files});
  t.throws(() => one.order({action: 'drain', reals: ['10.0.0.1'], who: 'ann'}), {
    code: 'state',
    message: /override was not set: .*orders\.json cannot be written/,
  });
  t.is(one.state.weights.size, 0);
});

test('an invalid request is answered with an error', (t) => {
  t.throws(() => readRequest({action: 'drain'}), {code: 'bad-request'});
});
