/** The TTL of adverts, and which paths accept adverts through a router. */
import test from 'ava';
import type {EnginePath} from '../messages.ts';
import {insistsOnLink, sentHops, type Surroundings} from './strangers.ts';

const bcast: EnginePath = {kind: 'bcast', device: 'eth0', port: 694};
const mcast = (group: string, ttl: number): EnginePath => ({
  kind: 'mcast',
  device: 'eth0',
  group,
  port: 694,
  ttl,
  loop: false,
});
const ucast = (peer: string, device = 'eth0', port = 694): EnginePath => ({
  kind: 'ucast',
  device,
  peer,
  port,
});
const around: Surroundings = {
  cluster: 1n,
  links: [
    {index: 2, name: 'eth0', up: true, running: true, mac: ''},
    {index: 3, name: 'eth1', up: true, running: true, mac: ''},
  ],
  addresses: () => [
    {family: 4, address: '10.0.0.1', prefixLength: 24, index: 2},
    {family: 6, address: 'fd00::1', prefixLength: 64, index: 2},
    {family: 4, address: '10.9.0.1', prefixLength: 24, index: 3},
  ],
};

for (const [title, path, paths, insists, hops] of [
  ['broadcast', bcast, [bcast], true, 255],
  ['a group with heartbeat’s TTL of 1', mcast('225.0.0.1', 1), [], true, 255],
  ['a group that is routed', mcast('225.0.0.1', 2), [], false, 2],
  ['a group that never leaves a link', mcast('224.0.0.18', 8), [], true, 255],
  ['a link-local group of IPv6', mcast('ff02::12', 8), [], true, 255],
  ['a neighbour', ucast('10.0.0.2'), [ucast('10.0.0.2')], true, 255],
  ['an IPv6 neighbour', ucast('fd00::2'), [ucast('fd00::2')], true, 255],
  ['a link-local address', ucast('fe80::2'), [ucast('fe80::2')], true, 255],
  ['a peer behind a router', ucast('192.0.2.1'), [ucast('192.0.2.1')], false, 255],
  ['an address of another interface’s network', ucast('10.9.0.2'), [ucast('10.9.0.2')], false, 255],
  ['a neighbour beside a peer behind a router', ucast('10.0.0.2'), [ucast('192.0.2.1')], false, 255],
  ['broadcast beside a peer behind a router', bcast, [bcast, ucast('192.0.2.1')], false, 255],
  ['broadcast beside one on another port', bcast, [bcast, ucast('192.0.2.1', 'eth0', 695)], true, 255],
  ['broadcast beside one on another interface', bcast, [bcast, ucast('192.0.2.1', 'eth1')], true, 255],
] as const)
  test(`${title}: ${insists ? 'a router’s datagrams are dropped' : 'routers may forward adverts'}`, (t) => {
    t.is(insistsOnLink(path, paths, around), insists);
    t.is(sentHops(path, around), hops);
  });

test('an interface without an address yet requires no TTL', (t) => {
  t.false(insistsOnLink(ucast('10.0.0.2'), [ucast('10.0.0.2')], {...around, addresses: () => []}));
});
