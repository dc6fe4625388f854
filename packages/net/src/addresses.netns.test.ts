/** Real addresses on real links, in a network namespace created by the test (root). */
import {execFileSync} from 'node:child_process';
import {closeSync, openSync} from 'node:fs';
import anyTest, {type TestFn} from 'ava';
import {NetlinkError, openAddresses, withNamespace, type Addresses} from './index.ts';

const test = anyTest.serial as unknown as TestFn;
const name = `hactl-net-${process.pid}`;
const ip = (...words: string[]): string => execFileSync('ip', words, {encoding: 'utf8'});
let addresses: Addresses;
let index = 0;

test.before(() => {
  ip('netns', 'add', name);
  ip('-n', name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0');
  for (const device of ['lo', 'eth0', 'peer0']) ip('-n', name, 'link', 'set', device, 'up');
  ip('-n', name, 'address', 'add', '10.77.0.2/24', 'dev', 'eth0');
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  addresses = withNamespace(target, own, () => openAddresses());
  closeSync(own);
  closeSync(target);
  index = addresses.links().find((link) => link.name === 'eth0')?.index ?? 0;
});

test.after.always(() => {
  addresses.close();
  ip('netns', 'delete', name);
});

test('links are listed with state and hardware address', (t) => {
  const link = addresses.links().find((link) => link.name === 'eth0');
  t.true(link?.up && link.running);
  t.regex(link?.mac ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
});

test('an address is added with label and broadcast, listed, and removed', (t) => {
  addresses.put({
    family: 4,
    address: '10.77.0.100',
    prefixLength: 24,
    index,
    label: 'eth0:1',
    broadcast: '10.77.0.255',
  });
  t.deepEqual(
    addresses.list().find((address) => address.address === '10.77.0.100'),
    {family: 4, address: '10.77.0.100', prefixLength: 24, index, label: 'eth0:1', broadcast: '10.77.0.255'},
  );
  t.regex(
    ip('-n', name, '-o', 'address', 'show', 'dev', 'eth0'),
    /10\.77\.0\.100\/24 brd 10\.77\.0\.255 scope global secondary eth0:1/,
  );
  addresses.remove({family: 4, address: '10.77.0.100', prefixLength: 24, index});
  t.falsy(addresses.list().find((address) => address.address === '10.77.0.100'));
});

for (const [family, address, prefixLength] of [
  [4, '10.77.0.101', 24],
  [6, '2001:db8:77::101', 64],
] as const)
  test(`a leased IPv${family} address is renewed, and removed by the kernel without renewal`, async (t) => {
    const vip = {family, address, prefixLength, index, lease: 1};
    const held = (): boolean => addresses.list().some((listed) => listed.address === address);
    addresses.put(vip);
    t.is(addresses.list().find((listed) => listed.address === address)?.validFor, 1);
    addresses.put({...vip, lease: 60});
    t.true((addresses.list().find((listed) => listed.address === address)?.validFor ?? 0) > 50);
    addresses.put(vip);
    t.true(held());
    const end = performance.now() + 10_000;
    while (held() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    t.false(held());
  });

test('an IPv6 VIP is never the source address of the director’s own connections', (t) => {
  const vip = {family: 6, address: '2001:db8:77::102', prefixLength: 64, index} as const;
  for (const lease of [undefined, 60]) {
    addresses.put({...vip, ...(lease === undefined ? {} : {lease})});
    t.regex(ip('-n', name, '-6', 'address', 'show', 'dev', 'eth0'), /2001:db8:77::102\/64 .*deprecated/);
    addresses.remove(vip);
  }
});

test('an error of the kernel names the operation, its target and the cause', (t) => {
  const wrong = t.throws(() => addresses.put({family: 4, address: '10.77.0.102', prefixLength: 77, index}), {
    instanceOf: NetlinkError,
  });
  t.is(wrong.code, 'EINVAL');
  t.regex(wrong.message, /add address 10\.77\.0\.102\/77: EINVAL \(.*[Pp]refix/);
  t.is(
    t.throws(() => addresses.remove({family: 4, address: '10.77.0.103', prefixLength: 24, index}), {
      instanceOf: NetlinkError,
    }).code,
    'EADDRNOTAVAIL',
  );
});
