/** Which segments are held back, for which roles and how long. */
import {parseLdirectordCf} from '@hactl/config';
import type {Role} from '@hactl/failover';
import test from 'ava';
import {HOLD_TIME, initialHold, reduceHold, type HoldFacts, type HoldState} from './held-packets.ts';

const resolve = {host: () => undefined, service: () => undefined};
const files = (text: string): HoldFacts['files'] => [
  parseLdirectordCf({path: 'x.cf', text}, {mode: 'strict', resolve}).model,
];
const web = files(
  [
    'virtual=10.0.0.100:80\n\treal=10.0.0.1:8080 masq\n\treal=10.0.0.2:80 gate\n\tfallback=127.0.0.1:80 gate\n\tprotocol=tcp',
    'virtual=10.0.0.100:53\n\treal=10.0.0.1:53 masq\n\tprotocol=udp',
    'virtual=10.0.0.200:25\n\treal=10.0.0.1:25 masq\n\tprotocol=tcp',
    'virtual=10.0.0.9:443\n\treal=10.0.0.1:443 masq\n\tprotocol=tcp',
    'virtual=7\n\treal=10.0.0.1:443 masq\n\tprotocol=fwm',
  ].join('\n') + '\n',
);
const groups = [
  {vrid: 1, vips: [{address: '10.0.0.100'}]},
  {vrid: 2, vips: [{address: '10.0.0.200'}]},
];
const facts = (one: Role | undefined, two: Role | undefined, more: Partial<HoldFacts> = {}): HoldFacts => ({
  syncs: true,
  ready: false,
  groups,
  roles: new Map([one, two].flatMap((role, at) => (role === undefined ? [] : [[at + 1, role] as const]))),
  files: web,
  ...more,
});
const held = (state: HoldState): string =>
  [state.held.to, state.held.from]
    .map((list) => list.map(({address, port}) => `${address}:${port}`).join(' '))
    .join(' | ');

test('the TCP services of groups for which this director is not Active are held; others are not', (t) => {
  const [state, changed] = reduceHold(initialHold, facts('Backup', undefined), 0);
  t.is(held(state), '10.0.0.100:80 10.0.0.200:25 | ');
  t.is(changed, state.held);
  const [same, nothing] = reduceHold(state, facts('Backup', 'Initialize'), 1_000);
  t.is(nothing, undefined);
  t.is(same.until, Infinity);
});

test('a takeover holds on for three seconds, and the answers of translated servers too', (t) => {
  let [state] = reduceHold(initialHold, facts('Backup', 'Backup'), 0);
  [state] = reduceHold(state, facts('Active', 'Backup'), 500);
  t.is(held(state), '10.0.0.100:80 10.0.0.200:25 | 10.0.0.1:8080');
  t.is(state.until, 500 + HOLD_TIME);
  [state] = reduceHold(state, facts('Active', 'Backup'), 499 + HOLD_TIME);
  t.is(held(state), '10.0.0.100:80 10.0.0.200:25 | 10.0.0.1:8080');
  [state] = reduceHold(state, facts('Active', 'Backup'), 500 + HOLD_TIME);
  t.is(held(state), '10.0.0.200:25 | ');
  t.is(state.until, Infinity);
});

test('a director that becomes ready holds the answers of translated servers while it may take its addresses back', (t) => {
  let [state] = reduceHold(initialHold, facts('Backup', 'Backup'), 0);
  t.is(held(state), '10.0.0.100:80 10.0.0.200:25 | ');
  [state] = reduceHold(state, facts('Backup', 'Backup', {ready: true}), 1_000);
  t.is(held(state), '10.0.0.100:80 10.0.0.200:25 | 10.0.0.1:8080 10.0.0.1:25');
  t.is(state.until, 6_000);
  [state] = reduceHold(state, facts('Active', 'Backup', {ready: true}), 2_000);
  t.is(state.until, 5_000);
  [state] = reduceHold(state, facts('Active', 'Backup', {ready: true}), 5_000);
  t.is(held(state), '10.0.0.200:25 | 10.0.0.1:25');
  [state] = reduceHold(state, facts('Active', 'Backup', {ready: true}), 6_000);
  t.is(held(state), '10.0.0.200:25 | ');
  t.is(state.until, Infinity);
});

test('a group that moves away and comes back is held for three seconds again', (t) => {
  let [state] = reduceHold(initialHold, facts('Active', 'Active'), 0);
  [state] = reduceHold(state, facts('Active', 'Active'), 5_000);
  t.is(held(state), ' | ');
  [state] = reduceHold(state, facts('Backup', 'Active'), 6_000);
  t.is(held(state), '10.0.0.100:80 | ');
  [state] = reduceHold(state, facts('Active', 'Active'), 7_000);
  t.is(held(state), '10.0.0.100:80 | 10.0.0.1:8080');
  t.is(state.until, 7_000 + HOLD_TIME);
});

test('nothing is held without connection sync, and what is held follows the files', (t) => {
  let [state, changed] = reduceHold(initialHold, facts('Backup', 'Backup', {syncs: false}), 0);
  t.deepEqual([held(state), changed], [' | ', undefined]);
  [state] = reduceHold(state, facts('Backup', 'Backup'), 1);
  const more = files('virtual=10.0.0.200:26\n\treal=10.0.0.1:26 masq\n\tprotocol=tcp\n');
  [state, changed] = reduceHold(state, facts('Backup', 'Backup', {files: more}), 2);
  t.is(held(state), '10.0.0.200:26 | ');
  t.is(changed, state.held);
});
