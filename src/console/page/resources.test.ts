/** When a change of the console adds the resource for connection sync. */
import test from 'ava';
import {hasGroup, syncResource} from './sync-resource.ts';

const added = [{kind: 'resource', node: 'lb1', word: 'LVSSyncDaemonSwap::master'}];

test('sync is added to the director’s line where no line has it', (t) => {
  t.deepEqual(syncResource('', 'lb1'), added);
  t.deepEqual(syncResource('lb1 IPaddr2::10.0.0.1/24/eth0 # no LVSSyncDaemonSwap yet\n', 'lb1'), added);
});

test('it is not added twice, in whatever form and on whatever line it is', (t) => {
  for (const text of [
    'lb1 LVSSyncDaemonSwap::master 10.0.0.1\n',
    'lb2 10.0.0.2 LVSSyncDaemonSwap::master::eth1::7\n',
    'LVSSyncDaemonSwap\n',
  ])
    t.deepEqual(syncResource(text, 'lb1'), [], text);
  t.deepEqual(syncResource('', ''), [], 'without a director there is no line');
});

test('a file of comments has no line to add to', (t) => {
  t.false(hasGroup('# nothing yet\n\n'));
  t.true(hasGroup('# the pair\nlb1 10.0.0.1\n'));
});
