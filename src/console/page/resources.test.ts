/** Resources that the console adds to haresources. */
import test from 'ava';
import {viewOf} from '../edits.ts';
import {addressOf, isHeld, resourcesFor, syncResource} from './resources.ts';

const groupsOf = (text: string) => viewOf([{name: 'haresources', text, digest: ''}], true).groups;
const service = {virtual: '10.0.0.9:80', device: '', file: 'ldirectord.cf', node: 'lb1', sync: false};
const sync = 'LVSSyncDaemonSwap::master';

test('sync is added to the services’ group, or else to the director’s group', (t) => {
  t.deepEqual(syncResource([], 'lb1'), [{kind: 'resource', node: 'lb1', word: sync}]);
  t.deepEqual(syncResource(groupsOf('lb1 10.0.0.1 # no LVSSyncDaemonSwap yet\n'), 'lb1'), [
    {kind: 'resource', node: 'lb1', word: sync, beside: '10.0.0.1'},
  ]);
  t.deepEqual(syncResource(groupsOf('lb1 10.0.0.1\nlb2 10.0.0.2 ldirectord\n'), 'lb1'), [
    {kind: 'resource', node: 'lb2', word: sync, beside: '10.0.0.2'},
  ]);
});

test('sync is not added twice, whatever its form and line', (t) => {
  for (const text of [
    'lb1 LVSSyncDaemonSwap::master 10.0.0.1\n',
    'lb2 10.0.0.2 LVSSyncDaemonSwap::master::eth1::7\n',
    'lb2 10.0.0.2 \\\n  LVSSyncDaemonSwap::master\n',
  ])
    t.deepEqual(syncResource(groupsOf(text), 'lb1'), [], text);
  t.deepEqual(syncResource([], ''), [], 'no director, no line');
});

test('an address counts as present only in a group: not as a prefix of another, not in a comment', (t) => {
  const groups = groupsOf('# 10.0.0.1 was here\nlb1 10.0.0.10/24 IPv6addr::2001:db8::1\n');
  t.false(isHeld(groups, '10.0.0.1'));
  t.true(isHeld(groups, '10.0.0.10'));
  t.true(isHeld(groups, '2001:DB8:0::1'));
  t.deepEqual(['10.0.0.1:80', '[2001:db8::1]:443', 'www:http', '7'].map(addressOf), [
    '10.0.0.1',
    '2001:db8::1',
    'www',
    '',
  ]);
});

test('a new address joins the group of its file’s services, however the file is named and wherever the line is', (t) => {
  for (const text of [
    'lb1 10.0.0.1\nlb2 10.0.0.2 ldirectord\n',
    'lb1 10.0.0.1\nlb2 10.0.0.2 ldirectord::ldirectord.cf\n',
    'lb1 10.0.0.1\nlb2 10.0.0.2 \\\n\tldirectord::/etc/ha.d/ldirectord.cf\n',
  ])
    t.deepEqual(
      resourcesFor({...service, groups: groupsOf(text)}),
      [{kind: 'resource', node: 'lb2', word: 'IPaddr2::10.0.0.9', beside: '10.0.0.2'}],
      text,
    );
});

test('the first service adds its file and the sync; an address already present adds nothing', (t) => {
  const words = (text: string) =>
    resourcesFor({...service, device: '24/eth0', sync: true, groups: groupsOf(text)}).map(
      (edit) => 'word' in edit && [edit.node, edit.beside, edit.word],
    );
  t.deepEqual(words(''), [
    ['lb1', undefined, 'IPaddr2::10.0.0.9/24/eth0'],
    ['lb1', undefined, 'ldirectord::ldirectord.cf'],
    ['lb1', undefined, sync],
  ]);
  t.deepEqual(words('lb2 10.0.0.9 ldirectord\n'), []);
});
