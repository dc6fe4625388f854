/** simpletcp and send/expect against Debian's memcached and the small services of xinetd. */
import {writeFileSync} from 'node:fs';
import test from 'ava';
import {probeSendExpect} from './send-expect.ts';
import {probeSimpleTcp} from './simpletcp.ts';
import {ask, checkOf, failsOnTheDead, fails, folder, freePort, passes, startServer} from './testing.ts';

test('memcached', async (t) => {
  const port = await freePort();
  await startServer(t, {argv: ['memcached', '-u', 'nobody', '-l', '127.0.0.1', '-p', String(port)], port});
  const spec = checkOf('simpletcp', port, {request: '/version\\n', receive: '^VERSION 1'});
  await passes(t, probeSimpleTcp, spec, /answer "VERSION 1.* matches \/\^VERSION 1\/$/);
  await passes(t, probeSimpleTcp, {...spec, request: 'stats\\n', receive: '^END'}, /matches \/\^END\/$/);
  await fails(
    t,
    probeSimpleTcp,
    {...spec, request: 'stats\\n', receive: 'Elsewhere'},
    /no line that matches/,
  );
  await fails(
    t,
    probeSimpleTcp,
    {...spec, request: 'nonsense\\n'},
    /answer "ERROR\\r\\n" has no line that matches \/\^VERSION 1\//,
  );
  await failsOnTheDead(t, probeSimpleTcp, spec);

  const nanny = (send: string, expect: string, regex = false) =>
    checkOf('send-expect', port, {sendExpect: {send, expect, regex}});
  await passes(t, probeSendExpect, nanny('version\\r\\n', 'VERSION '), /as expected$/);
  await passes(t, probeSendExpect, nanny('version\\r\\n', '*'), /as expected$/);
  await passes(t, probeSendExpect, nanny('version\\r\\n', '[[:digit:]]+\\.6', true), /as expected$/);
  await passes(t, probeSendExpect, nanny('', ''), /nothing expected$/);
  await fails(
    t,
    probeSendExpect,
    nanny('nonsense\\r\\n', 'VERSION'),
    /answer "ERROR\\r\\n", expected "VERSION"$/,
  );
  // Piranha's web pages wrote this for every port.
  await fails(t, probeSendExpect, nanny('GET / HTTP/1.0\\r\\n\\r\\n', 'HTTP'), /expected "HTTP"$/);
  await failsOnTheDead(t, probeSendExpect, nanny('version\\r\\n', 'VERSION '));
});

test('xinetd echoes over tcp and over udp', async (t) => {
  const home = folder(t);
  const port = await freePort();
  const echo = (kind: string, protocol: string): string => `service echo
{
  type = INTERNAL UNLISTED
  id = echo-${kind}
  socket_type = ${kind}
  protocol = ${protocol}
  user = root
  wait = ${protocol === 'udp' ? 'yes' : 'no'}
  bind = 127.0.0.1
  port = ${port}
}
`;
  writeFileSync(`${home}/xinetd.conf`, echo('stream', 'tcp') + echo('dgram', 'udp'));
  await startServer(t, {
    argv: ['xinetd', '-dontfork', '-f', `${home}/xinetd.conf`, '-pidfile', `${home}/pid`],
    port,
  });
  const spec = checkOf('simpletcp', port, {request: 'one\\nIt Works', receive: '^It Works$'});
  await passes(t, probeSimpleTcp, spec, /matches/);
  await passes(t, probeSimpleTcp, {...spec, protocol: 'udp'}, /matches/);
  await fails(
    t,
    probeSimpleTcp,
    {...spec, protocol: 'udp', receive: 'Elsewhere', negotiateTimeout: 2_000},
    /has no line that matches \/Elsewhere\//,
  );
  const nobody = await ask(probeSimpleTcp, {...spec, protocol: 'udp', port: await freePort()});
  t.regex(nobody.reason, /refused: nothing listens there/);
});
