/** simpletcp and send/expect against Debian's memcached and socat. */
import test from 'ava';
import {failsWhenBroken} from './broken-relay.ts';
import type {CheckSpec} from '../messages.ts';
import {probeSendExpect} from './send-expect.ts';
import {probeSimpleTcp} from './simpletcp.ts';
import {ask, checkOf, failsOnTheDead, fails, freePort, passes, startServer} from './testing.ts';

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
  await failsWhenBroken(t, probeSimpleTcp, spec);
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

test('an echo from socat passes over tcp and udp', async (t) => {
  const port = await freePort();
  const spec = checkOf('simpletcp', port, {request: 'one\\nIt Works', receive: '^It Works$'});
  await startServer(t, {argv: ['socat', `TCP4-LISTEN:${port},bind=127.0.0.1,fork`, 'PIPE'], port});
  await passes(t, probeSimpleTcp, spec, /^connected in \d+ ms, answer "one\\nIt Works" matches/);
  const datagram: CheckSpec = {...spec, protocol: 'udp'};
  await startServer(t, {
    argv: ['socat', `UDP4-RECVFROM:${port},bind=127.0.0.1,fork`, 'PIPE'],
    up: async () => (await ask(probeSimpleTcp, datagram)).passed,
  });
  await passes(t, probeSimpleTcp, datagram, /^answer "one\\nIt Works" matches/);
  const other = {...datagram, receive: 'Elsewhere', negotiateTimeout: 1_000};
  await fails(t, probeSimpleTcp, other, /^answer "one.*" has no line that matches \/Elsewhere\/$/);
  const nobody = {...datagram, port: await freePort()};
  await fails(t, probeSimpleTcp, nobody, /refused: nothing listens there/);
});
