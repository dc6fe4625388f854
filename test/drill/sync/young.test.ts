import test from 'ava';
import {renderYoung} from './young.ts';

test('runs of the same pair, rate and move are summed per service', (t) => {
  const row = (move: string, lost: number) => ({
    pair: 'hactl (relay)',
    rate: 10,
    move,
    became: {DR: {underWay: 3, lost}, NAT: {underWay: 2, lost: 0}},
  });
  t.deepEqual(renderYoung([row('power loss', 1), row('return', 0), row('power loss', 2)]), [
    'hactl (relay)               10/s  power loss      2 runs: DR 3 of 6 lost; NAT 0 of 4 lost',
    'hactl (relay)               10/s  return          1 runs: DR 0 of 3 lost; NAT 0 of 2 lost',
  ]);
});
