/** Bad days of the machine: a name server that is silent, and a capability that is missing. */
import test from 'ava';
import {direct} from './director.fixture.ts';

test.serial(
  'a name server that does not answer: the director serves, also after its engine was killed',
  async (t) => {
    const one = await direct(t, 'ka', {
      before: 'echo nameserver 10.99.0.77 >$DIR/resolv; mount --bind $DIR/resolv /etc/resolv.conf',
      ha: 'ucast eth0 peer.example.org\nping gateway.example.org\n',
    });
    await one.serves('at the start');
    await one.end('hactld-failover');
    await one.serves('after the engine was killed');
    t.regex(one.log(), /no name server answers for peer\.example\.org/);
    t.false(/^\s+at /m.test(one.log()), `a stack: ${one.log()}`);
  },
);

test.serial('no CAP_NET_RAW: the director serves, and says that it cannot announce', async (t) => {
  const one = await direct(t, 'kb', {before: 'WITH="setpriv --bounding-set=-net_raw --inh-caps=-net_raw"'});
  await one.serves('at the start');
  t.false(/^\s+at /m.test(one.log()), `a stack: ${one.log()}`);
  t.regex(one.log(), /addresses cannot be announced \(CAP_NET_RAW is missing\?\)/);
  t.is(one.log().match(/cannot be announced/g)?.length, 1, 'once');
});
