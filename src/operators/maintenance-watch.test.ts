/** Maintenance directories on a real disk. */
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {systemClock} from '@hactl/base';
import {parseLdirectordCf} from '@hactl/config';
import test, {type ExecutionContext} from 'ava';
import {until} from '../../test/lab/until.ts';
import {checkId} from '../table/services.ts';
import {watchMaintenance} from './maintenance-watch.ts';
import {initialOperators, reduceOperators, type OperatorsState} from './slice.ts';
import {noOrders} from './order-state.ts';

const LIMIT = 20_000;
const resolve = {host: () => undefined, service: () => undefined};

const folder = (t: ExecutionContext): string => {
  const made = mkdtempSync(path.join(os.tmpdir(), 'hactl-maintenance-'));
  t.teardown(() => rmSync(made, {recursive: true, force: true}));
  return made;
};

function start(t: ExecutionContext, text: string) {
  const {model} = parseLdirectordCf({path: 'x.cf', text}, {mode: 'strict', resolve});
  let state: OperatorsState = initialOperators([model], noOrders, undefined);
  let changes = 0;
  const watch = watchMaintenance({
    log: () => undefined,
    now: () => systemClock.now(),
    changed: (maintenance) => {
      const [next, effects] = reduceOperators(state, {type: 'maintenance', maintenance}, {now: 0, wall: 0});
      state = next;
      changes += effects.filter(({type}) => type === 'overrides-changed').length;
    },
  });
  t.teardown(() => watch.close());
  watch.configure([model]);
  const ids = model.virtuals.flatMap((virtual) => virtual.reals.map((real) => checkId(virtual, real)));
  return {ids, held: (id = '') => state.heldByFile.get(id), changes: () => changes};
}

test('a file keeps the real server in maintenance until removed; the directory may appear later', async (t) => {
  const directory = path.join(folder(t), 'maintenance');
  mkdirSync(directory);
  const watch = start(
    t,
    `maintenancedir=${directory}\nvirtual=10.0.0.100:80\n\treal=10.0.0.1:80 gate\n\treal=10.0.0.2:8080 masq\n`,
  );
  const [first, second] = watch.ids;
  t.is(watch.held(first), undefined);
  writeFileSync(path.join(directory, '10.0.0.1'), '');
  await until('the first is held', LIMIT, () => watch.held(first) !== undefined);
  t.is(watch.held(first), 'Server in maintenance');
  t.is(watch.held(second), undefined);
  writeFileSync(path.join(directory, '10.0.0.2:8080'), '');
  await until('the second is held', LIMIT, () => watch.held(second) !== undefined);
  rmSync(path.join(directory, '10.0.0.1'));
  await until('the first is back', LIMIT, () => watch.held(first) === undefined);
  t.is(watch.changes(), 3, 'reported once per change, and never without one');
  rmSync(directory, {recursive: true});
  await until('nothing is held without a directory', LIMIT, () => watch.held(second) === undefined);
});

test('a file named after the full or the short host name', async (t) => {
  const directory = folder(t);
  const watch = start(t, `maintenancedir=${directory}\nvirtual=10.0.0.100:80\n\treal=127.0.0.1:80 masq\n`);
  const [id] = watch.ids;
  writeFileSync(path.join(directory, 'localhost'), '');
  await until('localhost is held', LIMIT, () => watch.held(id) !== undefined);
  t.pass();
});
