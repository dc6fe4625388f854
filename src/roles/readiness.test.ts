import test from 'ava';
import {FIRST_ROUND_LIMIT, readinessOf, type ReadinessInput} from './readiness.ts';

const late: ReadinessInput = {
  virtuals: 1,
  checks: 4,
  unknown: 0,
  programmed: true,
  refused: [],
  sync: {ready: true, reason: 'in sync with the peer'},
  uptime: FIRST_ROUND_LIMIT + 1,
};
const ready = (change: Partial<ReadinessInput>): boolean => readinessOf({...late, ...change}).ready;

test('the last checks are not waited for longer than the limit, the first is', (t) => {
  t.true(ready({}));
  t.true(ready({unknown: 3}));
  t.false(ready({unknown: 3, uptime: FIRST_ROUND_LIMIT}));
  t.false(ready({unknown: 4}), 'a slow start: no server has passed yet');
  t.false(ready({unknown: 4, uptime: 100 * FIRST_ROUND_LIMIT}));
});

test('table and connections must be there, and the reason says what is missing', (t) => {
  t.true(ready({virtuals: 0, checks: 0, programmed: false}));
  t.true(ready({checks: 0}), 'services without checks');
  t.false(ready({programmed: false}));
  for (const [change, reason] of [
    [{problem: 'no kernel module'}, 'IPVS: no kernel module'],
    [{refused: ['tcp 10.0.0.1:80']}, 'the kernel refuses tcp 10.0.0.1:80'],
    [{refused: ['a', 'b', 'c']}, 'the kernel refuses a and 2 more'],
    [{unknown: 4}, '4 real servers not checked yet'],
    [{programmed: false}, 'IPVS table not programmed yet'],
    [{sync: {ready: false, reason: 'connection sync: not started yet'}}, 'connection sync: not started yet'],
  ] as const)
    t.deepEqual(readinessOf({...late, ...change}), {ready: false, reason});
});
