import dgram from 'node:dgram';
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
