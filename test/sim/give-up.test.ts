/** A resource that keeps failing: the group moves to the peer and stays there for the hold-off. */
import type {Event} from '@hactl/failover';
import test from 'ava';
import {makePair, names, type Pair, type PairOptions} from './pair.ts';

const failed = (holdOff: number): Event => ({type: 'give-up', vrid: 1, reason: 'apache ended', holdOff});

const running = (more: Partial<PairOptions> = {}): Pair => {
  const pair = makePair({seed: 7, ...more});
  for (const name of names) pair.boot(name);
  pair.runFor(500);
  pair.times();
  return pair;
};

test('the peer takes over without a gap and keeps the group until the hold-off ends', (t) => {
  const pair = running();
  pair.feed('director1', failed(1_000));
  pair.runFor(900);
  t.deepEqual(pair.holders(), ['director2']);
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director1']);
  t.is(pair.times().neither, 0);
});

test('without a peer the addresses stay', (t) => {
  const pair = running();
  pair.crash('director2');
  pair.runFor(200);
  pair.feed('director1', failed(1_000));
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director1']);
  pair.boot('director2');
  pair.runFor(300);
  // The peer is now the better director.
  t.deepEqual(pair.holders(), ['director2']);
});

test('a group does not move to a peer that has failed as well', (t) => {
  const pair = running();
  pair.feed('director2', failed(10_000));
  pair.runFor(100);
  pair.feed('director1', failed(10_000));
  pair.runFor(500);
  t.deepEqual(pair.holders(), ['director1']);
  t.true(
    pair.log.some(({effect}) => effect.type === 'event' && /no peer can take the group/.test(effect.message)),
  );
});

test('the death of the peer ends the hold-off', (t) => {
  const pair = running();
  pair.feed('director1', failed(60_000));
  pair.runFor(300);
  t.deepEqual(pair.holders(), ['director2']);
  pair.crash('director2');
  pair.runFor(300);
  t.deepEqual(pair.holders(), ['director1']);
});

test("an operator's word ends the hold-off", (t) => {
  const pair = running();
  pair.feed('director1', failed(60_000));
  pair.runFor(300);
  pair.feed('director1', {type: 'move', id: 1, move: 'failback', scope: 'all'});
  pair.runFor(300);
  t.deepEqual(pair.holders(), ['director1']);
});
