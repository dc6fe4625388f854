import type {ServiceKey, VirtualTable} from '@hactl/ipvs';
import test from 'ava';
import {initialTable, reduceTable, type TableConfig} from './slice.ts';

const keyOf = (port: number): ServiceKey => ({
  kind: 'address',
  family: 4,
  protocol: 'tcp',
  address: '10.0.0.100',
  port,
});
const tableOf = (port: number): VirtualTable => ({
  service: {
    key: keyOf(port),
    scheduler: 'wlc',
    flags: {ops: false, flag1: false, flag2: false, flag3: false},
    persistence: undefined,
  } as never,
  destinations: [],
});
const empty: TableConfig = {files: [], verdicts: undefined};

test('a service that left the files while no supervisor ran is deleted, those of others stay', (t) => {
  const moment = {now: 1, wall: 1};
  const [opened] = reduceTable(initialTable(empty, 0, [keyOf(80)]), {type: 'ipvs-opened'}, moment);
  const [state, effects] = reduceTable(
    opened,
    {type: 'table-read', table: [tableOf(80), tableOf(443)]},
    moment,
  );
  const operations = effects.flatMap((effect) => (effect.type === 'apply-table' ? effect.operations : []));
  t.deepEqual(operations, [{type: 'del-service', key: keyOf(80)}]);
  const outcomes = operations.map((operation) => ({operation}));
  const [after] = reduceTable(state, {type: 'table-applied', outcomes}, moment);
  t.is(after.owned.size, 0);
});
