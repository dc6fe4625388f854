/** checktype=ping and checkcount: the attempts with a simulated responder, then a real echo on loopback. */
import {systemClock} from '@hactl/base';
import {openPinger, type Pinger} from '@hactl/net';
import test from 'ava';
import type {CheckSpec} from './index.ts';
import {probePing} from './probes/ping.ts';

const spec = (address: string, checkCount: number): CheckSpec => ({
  id: 'x',
  checkType: {kind: 'ping'},
  service: 'none',
  family: 4,
  address,
  port: 0,
  protocol: 'tcp',
  virtualAddress: '10.0.0.100',
  virtualPort: 80,
  realPort: 80,
  checkTimeout: 20,
  negotiateTimeout: 20,
  checkInterval: 1_000,
  checkCount,
  failureCount: 1,
});

/** Answers only the request with that number. */
function partner(answers: number): {pinger: Pinger; asked: () => number} {
  let count = 0;
  return {
    asked: () => count,
    pinger: {
      ping: (_, answered) => {
        count += 1;
        if (count === answers) setImmediate(answered);
        return () => undefined;
      },
      close: () => undefined,
    },
  };
}

for (const [checkCount, answers, passed, asked] of [
  [1, 1, true, 1],
  [1, 2, false, 1],
  [3, 1, true, 1],
  [3, 3, true, 3],
  [3, 4, false, 3],
] as const)
  test(`checkcount=${checkCount}, and request ${answers} is answered: ${passed ? 'up' : 'down'} after ${asked}`, async (t) => {
    const one = partner(answers);
    const result = await probePing(spec('10.0.0.1', checkCount), 20, systemClock, one.pinger);
    t.is(result.passed, passed, result.reason);
    t.is(one.asked(), asked);
  });

test('a real echo on loopback passes', async (t) => {
  const pinger = openPinger(process.pid & 0xffff);
  t.teardown(() => pinger.close());
  const result = await probePing(spec('127.0.0.1', 1), 5_000, systemClock, pinger);
  t.true(result.passed, result.reason);
});
