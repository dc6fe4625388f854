/** checktype=ping with the kernel's ICMP, both families. */
import {openPinger} from '@hactl/net';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {probePing} from './ping.ts';
import {AMPLE} from './real-server.ts';
import {checkOf} from './testing.ts';

test('loopback answers', async (t) => {
  const pinger = openPinger(process.pid & 0xffff);
  t.teardown(() => pinger.close());
  for (const [family, address] of [
    [4, '127.0.0.1'],
    [6, '::1'],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one family after the other.
    const result = await probePing(checkOf('none', 0, {family, address}), AMPLE, systemClock, pinger);
    t.true(result.passed, result.reason);
    t.regex(result.reason, /^answered a ping in/);
  }
});

test('a send refused by the kernel fails with its error', async (t) => {
  const pinger = openPinger(process.pid & 0xffff);
  t.teardown(() => pinger.close());
  // A broadcast needs an option that this socket does not set: nothing leaves the machine.
  const spec = checkOf('none', 0, {address: '255.255.255.255'});
  const result = await probePing(spec, AMPLE, systemClock, pinger);
  t.false(result.passed);
  t.regex(result.reason, /255\.255\.255\.255.*EACCES/);
});
