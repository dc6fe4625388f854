/** Trouble of the machine: an unresponsive name server, a missing capability, IPv6 switched off. */
import test from 'ava';
import {until} from '../lab/until.ts';
import {direct, LIMIT, VIP} from './director.fixture.ts';

test.serial(
  'an unresponsive name server: the director serves, even after its engine is killed',
  async (t) => {
    const director = await direct(t, 'ka', {
      before: 'echo nameserver 10.99.0.77 >$DIR/resolv; mount --bind $DIR/resolv /etc/resolv.conf',
      ha: 'ucast eth0 peer.example.org\nping gateway.example.org\n',
    });
    await director.serves('at the start');
    await director.end('hactld-failover');
    await director.serves('after the engine was killed');
    t.regex(director.log(), /no name server answers for peer\.example\.org/);
    t.false(/^\s+at /m.test(director.log()), `a stack: ${director.log()}`);
  },
);

test.serial(
  'no CAP_NET_RAW: the director serves, and reports that it cannot announce addresses',
  async (t) => {
    const director = await direct(t, 'kb', {
      before: 'WITH="setpriv --bounding-set=-net_raw --inh-caps=-net_raw"',
    });
    await director.serves('at the start');
    t.false(/^\s+at /m.test(director.log()), `a stack: ${director.log()}`);
    t.regex(director.log(), /addresses cannot be announced \(CAP_NET_RAW is missing\?\)/);
    t.is(director.log().match(/cannot be announced/g)?.length, 1, 'once');
  },
);

test.serial('IPv6 switched off: the IPv4 address of the group is served', async (t) => {
  const director = await direct(t, 'kc', {
    before:
      'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6',
    haresources: `director1 IPaddr2::${VIP}/24/eth0 IPv6addr::2001:db8::100/64/eth0\n`,
  });
  await director.serves('at the start');
  await until('the unserved address is reported', LIMIT, () =>
    /cannot put 2001:db8::100 .*; the others are served/.test(director.log()),
  );
  await until('the role change is logged', LIMIT, () => /Backup -> Active/.test(director.log()));
  t.false(/Active -> Backup/.test(director.log()), director.log());
  t.false(/^\s+at /m.test(director.log()), `a stack: ${director.log()}`);
});
