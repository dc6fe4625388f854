/** The frame of a UDP check: a refused send is a finding, and nothing is left behind. */
import {systemClock} from '@hactl/base';
import test from 'ava';
import {datagramServer} from './real-server.ts';
import {checkOf, freePort} from './testing.ts';
import {overUdp} from './udp-check.ts';

const AMPLE = 60_000;
const question = (): Buffer => Buffer.from('?');
const fine = {passed: true, reason: 'fine'};

test('an answer', async (t) => {
  const server = await datagramServer((datagram) => datagram);
  t.teardown(server.stop);
  const result = await overUdp(checkOf('x', server.port), AMPLE, systemClock, question, () => fine);
  t.true(result.passed);
  t.regex(result.reason, /^answered in \d+ ms, fine$/);
});

test('answers that are not for us are ignored', async (t) => {
  const server = await datagramServer((datagram) => datagram);
  t.teardown(server.stop);
  let heard = 0;
  const answer = (): typeof fine | undefined => ((heard += 1) === 2 ? fine : undefined);
  t.true((await overUdp(checkOf('x', server.port), 4_000, systemClock, question, answer)).passed);
});

test('without an answer the request is repeated within the limit', async (t) => {
  const server = await datagramServer();
  t.teardown(server.stop);
  const result = await overUdp(checkOf('x', server.port), 400, systemClock, question, () => fine, ' (hint)');
  t.regex(result.reason, /^no answer from 127.0.0.1 port \d+ within 400 ms, asked [234]x \(hint\)$/);
});

test('a closed port is refused', async (t) => {
  const spec = checkOf('x', await freePort());
  const result = await overUdp(spec, AMPLE, systemClock, question, () => fine);
  t.regex(result.reason, /udp refused: nothing listens there$/);
});

test('a send refused by the kernel or Node fails with the error', async (t) => {
  const failed = async (more: object): Promise<string> => {
    const result = await overUdp(checkOf('x', 9, more), AMPLE, systemClock, question, () => fine);
    t.false(result.passed);
    return result.reason;
  };
  // A broadcast needs an option that this socket does not set: nothing leaves the machine.
  t.regex(await failed({address: '255.255.255.255'}), /255.255.255.255 port 9: EACCES/);
  t.regex(await failed({port: 0}), /Port should be/);
  t.regex(await failed({family: 6}), /127.0.0.1 port 9: /);
});
