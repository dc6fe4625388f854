/** checktype=ping and UDP's connect: the real pinger on loopback, and pingers that lose or refuse requests. */
import type {Pinger} from '@hactl/net';
import {systemClock} from '@hactl/base';
import test from 'ava';
import {probe} from './index.ts';
import {probePing} from './ping.ts';
import {checkOf} from './testing.ts';

/** Loses the first `lost` requests; `waiting` is the number of pending ones. */
function lossy(lost: number): Pinger & {waiting: () => number; sent: () => number} {
  const pending = new Set<number>();
  let sent = 0;
  return {
    ping: (_, answered) => {
      const number = (sent += 1);
      pending.add(number);
      if (number > lost)
        setImmediate(() => {
          if (pending.delete(number)) answered();
        });
      return () => pending.delete(number);
    },
    close: () => undefined,
    waiting: () => pending.size,
    sent: () => sent,
  };
}

test('the first answer passes', async (t) => {
  const pinger = lossy(0);
  const result = await probePing(checkOf('none', 0, {checkCount: 3}), 10_000, systemClock, pinger);
  t.true(result.passed);
  t.regex(result.reason, /answered a ping in [\d.]+ ms/);
  t.is(pinger.sent(), 1);
});

test('an answer to the last attempt passes', async (t) => {
  const pinger = lossy(2);
  t.true((await probePing(checkOf('none', 0, {checkCount: 3}), 300, systemClock, pinger)).passed);
  t.is(pinger.waiting(), 0, 'what was lost is forgotten');
});

test('no answer to any attempt fails', async (t) => {
  const pinger = lossy(9);
  const result = await probePing(checkOf('none', 0, {checkCount: 2}), 20, systemClock, pinger);
  t.false(result.passed);
  t.is(result.reason, 'no answer to 2 ping(s) of 127.0.0.1, 20 ms each');
  t.deepEqual([pinger.sent(), pinger.waiting()], [2, 0]);
});

test('a refused send fails with its error', async (t) => {
  const pinger: Pinger = {
    ping: () => {
      throw new Error('ping 127.0.0.1: EPERM');
    },
    close: () => undefined,
  };
  const result = await probePing(checkOf('none', 0), 10_000, systemClock, pinger);
  t.deepEqual([result.passed, result.reason], [false, 'ping 127.0.0.1: EPERM']);
});

test('checktype=connect of a UDP service pings, as in ldirectord', async (t) => {
  const pinger = lossy(0);
  const spec = checkOf('dns', 53, {checkType: {kind: 'connect'}, protocol: 'udp'});
  t.regex((await probe(spec, 'negotiate', systemClock, pinger)).reason, /answered a ping/);
  t.is(pinger.sent(), 1);
});
