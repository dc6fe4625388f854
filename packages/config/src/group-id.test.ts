/** Groups have a stable identity: editing one line renames no other. */
import test from 'ava';
import {groupIds, parseHaresources} from './index.ts';

const idsOf = (text: string): Map<string, number> => {
  const {groups} = parseHaresources({path: 'haresources', text}, {mode: 'strict'}).model;
  const ids = groupIds(groups);
  return new Map(groups.map((group, index) => [group.name, ids[index] ?? 0]));
};

const [web, mail, script] = [
  'd1 IPaddr2::10.0.0.101/24/eth0 apache\n',
  'd2 IPaddr2::10.0.0.102/24/eth0 IPaddr2::10.0.0.103/24/eth0\n',
  'd1 backup-job\n',
];

test('deleting, inserting or moving a line does not change the ids of the other groups', (t) => {
  const before = idsOf(web + mail + script);
  for (const after of [
    idsOf(mail + script),
    idsOf(`d1 IPaddr2::10.0.0.99/24/eth0\n${web}${mail}${script}`),
    idsOf(script + mail + web),
  ])
    for (const [name, id] of before) if (after.has(name)) t.is(after.get(name), id, name);
  t.is(new Set(before.values()).size, 3);
});

test('the node, the prefix length and the resources after the first address are not part of the identity', (t) => {
  const [id] = idsOf(mail).values();
  const [edited] = idsOf('d1 IPaddr2::10.0.0.102/32/eth1 IPaddr2::10.0.0.104/24/eth0 apache\n').values();
  t.is(edited, id);
});

test('groups with the same identity still get different numbers', (t) => {
  const groups = parseHaresources({path: 'haresources', text: script}, {mode: 'strict'}).model.groups;
  t.is(new Set(groupIds([...groups, ...groups])).size, 2);
});
