import type {EngineConfig, EngineStatus} from '@hactl/failover';
import test from 'ava';
import {peersHave, settlingConfig} from './config-settle.ts';

const engine = (keepalive: number, deadtime: number): EngineConfig =>
  ({
    keepalive,
    deadtime,
    warntime: deadtime / 2,
    initdead: 2 * deadtime,
    preemptDelay: keepalive,
  }) as EngineConfig;

const table: readonly (readonly [
  string,
  [number, number],
  [number, number],
  [number, number] | undefined,
])[] = [
  ['the same', [1_000, 10_000], [1_000, 10_000], undefined],
  ['more patient', [1_000, 10_000], [500, 20_000], undefined],
  ['a shorter deadtime: the peer still sends at its old pace', [1_000, 10_000], [100, 500], [100, 10_000]],
  ['slower adverts: the peer still has the old deadtime', [100, 500], [1_000, 10_000], [100, 10_000]],
];
for (const [name, running, next, expected] of table)
  test(`new intervals while the peer has the old ones: ${name}`, (t) => {
    const settling = settlingConfig(engine(...running), engine(...next));
    t.deepEqual(settling && [settling.keepalive, settling.deadtime], expected);
    // Everything else is new at once.
    if (settling) t.is(settling.preemptDelay, next[0]);
  });

test('without a running engine new intervals apply at once', (t) => {
  t.is(settlingConfig(undefined, engine(1, 3)), undefined);
});

test('the peer has it when its adverts say so; dead and unheard peers are not waited for', (t) => {
  const messagesOf = (state: string, configDigest?: string): EngineStatus =>
    ({
      peers: [{name: 'b', state, ...(configDigest === undefined ? {} : {configDigest})}],
    }) as unknown as EngineStatus;
  t.true(peersHave('0123456789abcdefff', messagesOf('up', '0123456789abcdef')));
  t.false(peersHave('0123456789abcdefff', messagesOf('late', '0123456789abcdee')));
  t.false(peersHave('0123456789abcdefff', messagesOf('up')));
  t.true(peersHave('0123456789abcdefff', messagesOf('dead', '1')));
  t.true(peersHave('0123456789abcdefff', messagesOf('unknown')));
});
