/** IPsrcaddr on real routes, in a network namespace created by the test (root). */
import {execFileSync} from 'node:child_process';
import {closeSync, existsSync, mkdtempSync, openSync, rmSync} from 'node:fs';
import os from 'node:os';
import anyTest, {type TestFn} from 'ava';
import {openSourceAddress, withNamespace} from './index.ts';

const test = anyTest.serial as unknown as TestFn;
const name = `hactl-src-${process.pid}`;
const folder = mkdtempSync(`${os.tmpdir()}/hactl-src-`);
const memory = `${folder}/routes.json`;
const ip = (...words: string[]): string => execFileSync('ip', ['-n', name, ...words], {encoding: 'utf8'});
const defaults = (...words: string[]): string =>
  ip(...words, 'route', 'show', 'default').replaceAll(/\s+$/gm, '');

test.before(() => {
  execFileSync('ip', ['netns', 'add', name]);
  ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0');
  for (const device of ['lo', 'eth0', 'peer0']) ip('link', 'set', device, 'up');
  ip('address', 'add', '10.77.0.2/24', 'dev', 'eth0');
  ip('-6', 'address', 'add', 'fd00:77::2/64', 'dev', 'eth0', 'nodad');
  ip('-6', 'address', 'add', 'fd00:77::100/64', 'dev', 'eth0', 'nodad');
  ip('-6', 'route', 'add', 'default', 'via', 'fd00:77::1', 'metric', '50');
});

test.beforeEach(() => {
  ip('address', 'replace', '10.77.0.100/24', 'dev', 'eth0');
  ip('route', 'replace', 'default', 'via', '10.77.0.1', 'dev', 'eth0', 'mtu', '1400');
});

test.after.always(() => {
  execFileSync('ip', ['netns', 'delete', name]);
  rmSync(folder, {recursive: true});
});

/** A netlink socket belongs to the namespace in which it is opened. */
function inside<Result>(work: () => Result): Result {
  const [own, target] = [openSync('/proc/thread-self/ns/net', 'r'), openSync(`/run/netns/${name}`, 'r')];
  try {
    return withNamespace(target, own, work);
  } finally {
    closeSync(own);
    closeSync(target);
  }
}

test('the default route gets the source address, keeps the rest, and is restored', (t) => {
  const before = defaults();
  inside(() => {
    const source = openSourceAddress('10.77.0.100', memory);
    t.false(source.inUse());
    source.start();
    t.true(source.inUse());
  });
  t.is(defaults(), before.replace(' mtu', ' src 10.77.0.100 mtu'));
  inside(() => {
    const source = openSourceAddress('10.77.0.100', memory);
    source.start();
    source.stop();
    t.false(source.inUse());
  });
  t.is(defaults(), before);
  t.false(existsSync(memory));
});

test('a route that the kernel removed with the address is restored', (t) => {
  const before = defaults();
  inside(() => openSourceAddress('10.77.0.100', memory).start());
  ip('address', 'delete', '10.77.0.100/24', 'dev', 'eth0');
  t.is(defaults(), '');
  inside(() => openSourceAddress('10.77.0.100', memory).stop());
  t.is(defaults(), before);
});

test('without the saved routes, the source address is removed from the route', (t) => {
  const before = defaults();
  inside(() => openSourceAddress('10.77.0.100', memory).start());
  rmSync(memory);
  inside(() => openSourceAddress('10.77.0.100', memory).stop());
  t.is(defaults(), before);
});

test('IPv6', (t) => {
  const before = defaults('-6');
  inside(() => openSourceAddress('fd00:77::100', memory).start());
  t.regex(defaults('-6'), / src fd00:77::100 metric 50 /);
  inside(() => openSourceAddress('fd00:77::100', memory).stop());
  t.is(defaults('-6'), before);
});

test('an address of another machine and a missing default route are errors', (t) => {
  t.throws(() => inside(() => openSourceAddress('10.77.0.9', memory).start()), {
    message: '10.77.0.9 is not on this machine',
  });
  ip('route', 'delete', 'default');
  t.throws(() => inside(() => openSourceAddress('10.77.0.100', memory).start()), {
    message: 'there is no default route',
  });
});
