import test from 'ava';
import {answered, lostTargets, pingInterval, startReach, targetsOf} from './tracking.ts';

const targets = targetsOf(['10.0.0.1'], [{name: 'uplinks', members: ['10.0.0.2', '10.0.0.3']}]);

test('no target is lost before it had a chance to answer', (t) => {
  const state = startReach(targets, 1_000);
  t.deepEqual(lostTargets(state, targets, 500, 1_499), []);
  t.deepEqual(
    lostTargets(state, targets, 500, 1_500).map(({name}) => name),
    ['10.0.0.1', 'uplinks'],
  );
});

test('a ping group is reachable while one of its members answers', (t) => {
  let state = startReach(targets, 0);
  state = answered(state, '10.0.0.3', 900);
  t.deepEqual(
    lostTargets(state, targets, 500, 1_000).map(({name}) => name),
    ['10.0.0.1'],
  );
  state = answered(state, '10.0.0.1', 1_100);
  t.deepEqual(
    lostTargets(state, targets, 500, 1_450).map(({name}) => name),
    ['uplinks'],
  );
});

test('a target is pinged five times within deadping', (t) => {
  t.is(pingInterval(1_000), 200);
  t.is(pingInterval(100), 100);
  t.is(pingInterval(30_000), 1_000);
});
