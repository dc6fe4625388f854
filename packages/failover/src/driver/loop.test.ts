import dgram from 'node:dgram';
import {setImmediate} from 'node:timers/promises';
import test from 'ava';
import {makeLateness, systemClock} from '@hactl/base';
import {config, peerAdvert, scenes} from '../machine/scene.fixture.ts';
import {initialState} from '../machine/step.ts';
import {makeLoop} from './loop.ts';

test('after a stall, adverts that have arrived are read before ours is sent', async (t) => {
  const keepalive = 40;
  const settings = {...config, groups: [], keepalive, deadtime: 10_000};
  const current = {
    config: settings,
    state: initialState(settings, 5n, systemClock.now(), [0n, 0n]),
  };
  const order: string[] = [];
  const sent = new Promise<void>((resolve) => {
    const loop = makeLoop(current, systemClock, makeLateness(), (effect) => {
      if (effect.type !== 'send-advert') return;
      order.push('advert sent');
      if (order.includes('advert read')) {
        loop.end();
        resolve();
      }
    });
    const socket = dgram.createSocket('udp4');
    socket.on('message', () => {
      order.push('advert read');
      loop.feed({type: 'advert', advert: {...peerAdvert({}), groups: []}});
      socket.close();
    });
    socket.bind(0, '127.0.0.1', () => {
      loop.feed({type: 'tick'});
      order.length = 0;
      socket.send('advert', socket.address().port, '127.0.0.1', () => {
        // The process does not run until its timer is late, and the datagram has arrived.
        const end = performance.now() + 3 * keepalive;
        while (performance.now() < end);
      });
    });
  });
  await sent;
  t.is(order[0], 'advert read');
});

test('a takeover begins when its addresses are on, not when that was decided', (t) => {
  const scene = scenes['Backup of a live peer']();
  const current = {config, state: scene.state};
  let now = 20;
  const clock = {...systemClock, now: () => now};
  const loop = makeLoop(current, clock, makeLateness(), (effect) => {
    if (effect.type === 'acquire') now += 50;
  });
  const asks = peerAdvert({role: 'Active', priority: 255, handover: true}, {sequence: 1_001n});
  loop.feed({type: 'advert', advert: asks});
  loop.end();
  t.like(current.state.groups[0], {role: 'Active', since: 70});
});

test('a timer that is due just before a peer counts as dead does not put that off', async (t) => {
  const settings = {...config, groups: [], keepalive: 2, deadtime: 60};
  /** How late the takeover's decision is, in ms. */
  const late = (): Promise<number> =>
    new Promise((resolve) => {
      const start = systemClock.now();
      const first = initialState(settings, 5n, start, [0n, 0n]);
      const downAt = start + 3.6;
      const peers = first.peers.map((peer) => ({...peer, alive: true, proven: true, heardAt: start, downAt}));
      const current = {config: settings, state: {...first, peers, sentAt: start, advertAt: start + 3.55}};
      const loop = makeLoop(current, systemClock, makeLateness(), (effect) => {
        if (effect.type !== 'event' || effect.code !== 'peer-dead') return;
        loop.end();
        resolve(systemClock.now() - downAt);
      });
      loop.feed({type: 'readiness', ready: true});
    });
  const all: number[] = [];
  // A busy machine delays most of them; a timer counts in whole milliseconds and would delay every one.
  // oxlint-disable-next-line no-await-in-loop -- one after the other.
  while (all.length < 100 && !all.some((ms) => ms < 0.3)) all.push(await setImmediate().then(late));
  t.true(Math.min(...all) < 0.3, `the least of ${all.length}: ${Math.min(...all)} ms`);
});

// Alone: another test of this file blocks the event loop.
test.serial('a director that only listens does not watch the end of a silence', async (t) => {
  let looks = 0;
  const clock = {
    ...systemClock,
    now: () => {
      looks += 1;
      return systemClock.now();
    },
  };
  const start = systemClock.now();
  const first = initialState(config, 5n, start, [0n, 0n]);
  const peers = first.peers.map((peer) => ({...peer, alive: true, heardAt: start - 50, downAt: start - 20}));
  const current = {config, state: {...first, peers, sentAt: start, listenOnlyUntil: start + 40}};
  await new Promise<void>((resolve) => {
    const loop = makeLoop(current, clock, makeLateness(), (effect) => {
      if (effect.type !== 'ask-kernel') return;
      // Listening is over.
      loop.end();
      resolve();
    });
    loop.feed({type: 'readiness', ready: true});
  });
  t.true(looks < 10, `${looks} looks at the clock in 40 ms`);
});
