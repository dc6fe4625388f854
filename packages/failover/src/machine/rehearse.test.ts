import test from 'ava';
import {rehearseTakeover} from './rehearse.ts';
import {config, scenes} from './scene.fixture.ts';

test('a Backup that hears its peer rehearses the whole takeover, and its own state is untouched', (t) => {
  const {state} = scenes['Backup of a live peer']();
  const before = structuredClone(state);
  const types = rehearseTakeover(config, state).map(({type}) => type);
  t.deepEqual(types, ['event', 'acquire', 'announce', 'announce', 'transition', 'send-advert']);
  t.deepEqual(state, before);
});

test('of many groups one is rehearsed', (t) => {
  const {state} = scenes['Backup of a live peer']();
  const vrids = Array.from({length: 300}, (_, vrid) => vrid + 1);
  const many = {...config, groups: vrids.map((vrid) => ({...config.groups[0]!, vrid}))};
  const effects = rehearseTakeover(many, {
    ...state,
    groups: vrids.map((vrid) => ({...state.groups[0]!, vrid})),
  });
  t.is(effects.filter(({type}) => type === 'acquire').length, 1);
});

test('without a living peer, or without a group that the peer holds, there is nothing to rehearse', (t) => {
  const {state} = scenes['Backup of a live peer']();
  const alone = {...state, peers: state.peers.map((peer) => ({...peer, alive: false, downAt: Infinity}))};
  t.deepEqual(rehearseTakeover(config, alone), []);
  t.deepEqual(rehearseTakeover(config, scenes.Active().state), []);
});
