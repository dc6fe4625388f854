/** Which claims of our addresses are another host's. */
import test from 'ava';
import type {Link} from '@hactl/net';
import {isForeignClaim} from './links.ts';

const link = (index: number, name: string, mac: string): Link => ({
  index,
  name,
  mac,
  up: true,
  running: true,
});
const eth0 = link(2, 'eth0', '02:00:00:00:00:01');

for (const [title, index, mac, foreign] of [
  ['by another host, on its interface', 2, '02:00:00:00:00:66', true],
  ['by another host, on a kernel that does not name the interface', 0, '02:00:00:00:00:66', true],
  ['on another segment', 3, '02:00:00:00:00:66', false],
  ['our own, come back through a loop of the LAN', 2, '02:00:00:00:00:01', false],
  ['forged with the hardware address of our second interface', 2, '02:00:00:00:00:02', true],
  ['forged with the hardware address that lo shows', 2, '00:00:00:00:00:00', true],
] as const)
  test(`a claim ${title} is ${foreign ? '' : 'not '}a foreign one`, (t) => {
    t.is(isForeignClaim(eth0, index, mac), foreign);
  });

test('without the interface of the address, any claim heard somewhere is foreign only if the kernel names none', (t) => {
  t.true(isForeignClaim(undefined, 0, '02:00:00:00:00:66'));
  t.false(isForeignClaim(undefined, 2, '02:00:00:00:00:66'));
});
