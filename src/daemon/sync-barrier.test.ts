import type {ToSync} from '@hactl/sync';
import test from 'ava';
import {gateReadiness, makeSyncBarrier} from './sync-barrier.ts';

test('a barrier ends with the answer that has its id', async (t) => {
  const sent: ToSync[] = [];
  const barrier = makeSyncBarrier((message) => sent.push(message));
  const [first, second] = [barrier.pass(), barrier.pass()];
  const ids = sent.map((message) => (message.type === 'barrier' ? message.id : 0));
  t.is(new Set(ids).size, 2);
  barrier.onDone({type: 'barrier-done', id: ids[1]!, ok: false, took: 1, reason: 'the peer is not heard'});
  barrier.onDone({type: 'barrier-done', id: ids[0]!, ok: true, took: 1, reason: ''});
  t.is(await first, undefined);
  t.is(await second, 'the peer is not heard');
});

test('without a sync process the barrier passes at once', async (t) => {
  t.is(await makeSyncBarrier(() => undefined).pass(), 'the sync process does not answer');
});

test('ready waits for the barrier, not ready passes at once', async (t) => {
  const sent: (readonly [boolean, string])[] = [];
  const passed: (() => void)[] = [];
  const pass = (): Promise<undefined> =>
    new Promise((resolve) => {
      passed.push(() => resolve(undefined));
    });
  const gate = gateReadiness<{ready: boolean; reason: string}>(pass, ({ready, reason}) =>
    sent.push([ready, reason]),
  );
  gate({ready: false, reason: 'checks'});
  gate({ready: true, reason: 'first'});
  gate({ready: true, reason: 'second'});
  t.deepEqual([sent, passed.length], [[[false, 'checks']], 1]);
  passed[0]?.();
  await Promise.resolve();
  t.deepEqual(sent.at(-1), [true, 'second'], 'the latest state, once');
  gate({ready: true, reason: 'third'});
  t.deepEqual([sent.at(-1), passed.length], [[true, 'third'], 1], 'it was ready already');
  gate({ready: false, reason: 'lost'});
  gate({ready: true, reason: 'back'});
  gate({ready: false, reason: 'lost again'});
  passed[1]?.();
  await Promise.resolve();
  t.deepEqual(sent.slice(-2), [
    [false, 'lost'],
    [false, 'lost again'],
  ]);
});
