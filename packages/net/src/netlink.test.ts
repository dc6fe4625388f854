import test from 'ava';
import {chooseInterface, listRoutes} from './netlink.ts';

const routes = [
  {device: 'eth0', destination: '10.0.0.0', prefixLength: 8, metric: 0},
  {device: 'eth1', destination: '10.77.0.0', prefixLength: 24, metric: 100},
  {device: 'eth2', destination: '10.77.0.0', prefixLength: 24, metric: 10},
  {device: 'eth3', destination: '2001:db8::', prefixLength: 64, metric: 0},
  {device: 'eth9', destination: '0.0.0.0', prefixLength: 0, metric: 0},
];

test('the longest route wins, then the lowest metric; the default route never matches', (t) => {
  t.deepEqual(chooseInterface(routes, '10.77.0.9'), {device: 'eth2', prefixLength: 24});
  t.deepEqual(chooseInterface(routes, '10.1.2.3'), {device: 'eth0', prefixLength: 8});
  t.deepEqual(chooseInterface(routes, '2001:db8::7'), {device: 'eth3', prefixLength: 64});
  t.is(chooseInterface(routes, '192.0.2.1'), undefined);
});

test('the kernel’s routes can be read', async (t) => {
  const found = await listRoutes();
  t.true(found.every((route) => route.device !== '' && route.prefixLength >= 0 && route.prefixLength <= 128));
});
