import test from 'ava';
import type {ClientReport} from './frame.ts';
import {moveResult, renderResults, totalLost} from './result.ts';

const report = (broken: number, moved: number): ClientReport => ({
  services: [{service: 'LVS-DR', idle: 50, busy: 6, broken, moved}],
  answers: 0,
  longest: 40,
  churned: 0,
  churnFailed: 0,
  errors: {},
});

test('a move is charged with the streams that broke since the previous move', (t) => {
  const failover = moveResult('failover', report(0, 0), report(2, 1), 1_000);
  const failback = moveResult('failback', report(2, 1), report(5, 1), 1_000);
  t.deepEqual(failover.lost, {'LVS-DR': {streams: 56, broken: 2, moved: 1}});
  t.deepEqual(failback.lost, {'LVS-DR': {streams: 54, broken: 3, moved: 0}});
  t.deepEqual([totalLost(failover), totalLost(failback)], [3, 3]);
  const [head, row] = renderResults([
    {
      drill: 'a',
      pair: 'one',
      moves: [failover, failback],
      failures: ['failover: 3 streams lost'],
      judged: true,
    },
  ]);
  t.regex(head ?? '', /^drill +directors +broken at failover +at failback +verdict$/);
  t.regex(row ?? '', /^a +one +3 of 56 +3 of 54 +FAILED$/);
});
