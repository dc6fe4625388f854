/** Planned moves of a live pair: who announces, when, and who holds the address meanwhile. */
import {announceDelay, defaultSchedule} from '@hactl/net/schedule';
import test from 'ava';
import {makePair, names, type Name, type Pair} from './pair.ts';

/** Planned moves, and the director that has the group after each. */
const plannedMoves: Readonly<Record<string, (pair: Pair) => Name>> = {
  'return with preemption': (pair) => {
    pair.crash('director1');
    pair.runFor(300);
    pair.log.length = 0;
    pair.boot('director1');
    return 'director1';
  },
  standby: (pair) => {
    pair.feed('director1', {type: 'move', id: 1, move: 'standby', scope: 'all'});
    return 'director2';
  },
  takeover: (pair) => {
    pair.feed('director2', {type: 'move', id: 1, move: 'takeover', scope: 'all'});
    return 'director2';
  },
  stop: (pair) => {
    pair.feed('director1', {type: 'stop', leaveAddresses: false});
    return 'director2';
  },
  ...Object.fromEntries(
    names.map((orderer) => [
      `failback, ordered at ${orderer}`,
      (pair: Pair): Name => {
        pair.feed('director1', {type: 'move', id: 1, move: 'standby', scope: 'all'});
        pair.runFor(400);
        pair.log.length = 0;
        pair.feed(orderer, {type: 'move', id: 2, move: 'failback', scope: 'all'});
        return 'director1';
      },
    ]),
  ),
};
/** Spread of the datagrams' delays in ms: with 3 ms the taker's announcement overtakes the adverts before it. */
const SPREADS = [0.3, 3];
const SEEDS = 25;
const BURST_AND_FIRST_REPEAT = [0, 1, 2].map((n) => announceDelay(defaultSchedule, n)!);

for (const [move, order] of Object.entries(plannedMoves))
  test(`${move}: only the taker announces, on its schedule; nobody is without the address, two for one flight at most`, (t) => {
    for (const spread of SPREADS)
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const pair = makePair({seed});
        for (const name of names) pair.boot(name);
        pair.runFor(500);
        for (const way of pair.world.ways.flat()) way.jitter = spread;
        pair.runFor(200);
        pair.log.length = 0;
        const taker = order(pair);
        pair.times();
        pair.runFor(90);
        const label = `seed ${seed}, ${spread} ms`;
        const announced = pair.log.filter(({effect}) => effect.type === 'announce');
        const [{at: taken} = {at: 0}] = announced;
        t.deepEqual([...new Set(announced.map(({node}) => node))], [taker], `${label}: who announces`);
        const delays = announced.map(({at}) => Math.round(at - taken));
        const [first, second, ...later] = delays;
        t.deepEqual([first, second, later.pop()], BURST_AND_FIRST_REPEAT, label);
        // The taker repeats it once if it heard the other as Active meanwhile, after the other has released the address.
        t.true(
          later.length <= 1 && later.every((delay) => delay <= 2 * spread + 1),
          `${label}: ${later.join(' ')}`,
        );
        const {both, neither} = pair.times();
        t.is(neither, 0, label);
        t.true(both <= spread + 0.3, `${label}: ${both} ms`);
        t.deepEqual(pair.holders(), [taker], label);
      }
  });
