import test from 'ava';
import {readinessOf, type Standing} from './readiness.ts';

const joining: Standing = {
  peer: true,
  young: false,
  awaited: true,
  active: false,
  due: false,
  phase: 'transfer',
  connections: 5,
  recentSync: false,
};
const ready = (change: Partial<Standing>): boolean => readinessOf({...joining, ...change}).inSync;

test('a joining director waits only for the table, and for its peer while it is young', (t) => {
  t.false(ready({}));
  t.false(ready({phase: 'compare'}));
  t.true(ready({phase: 'in-sync'}));
  t.true(ready({phase: 'deadline'}));
  t.false(ready({peer: false, young: true}));
  t.true(ready({peer: false, awaited: false}));
  t.false(ready({due: true, phase: 'waiting'}));
  t.true(ready({due: true, phase: 'waiting', active: true}));
});

test('in sync without ever having heard a peer is told apart', (t) => {
  const isAlone = (change: Partial<Standing>) => readinessOf({...joining, ...change}).alone === true;
  t.true(isAlone({peer: false, awaited: false, phase: 'waiting'}));
  t.false(isAlone({peer: false, awaited: false, phase: 'in-sync'}));
  t.false(isAlone({peer: false, awaited: false, phase: 'deadline'}));
  t.false(isAlone({peer: false, young: true}));
  t.false(isAlone({}));
});

test('if the peer falls silent during the transfer, the director waits until the deadline', (t) => {
  for (const phase of ['waiting', 'transfer', 'compare'] as const) {
    t.false(ready({peer: false, phase}));
    t.true(ready({peer: false, phase, awaited: false}));
    t.true(ready({peer: false, phase, active: true}));
  }
  t.true(ready({peer: false, phase: 'in-sync'}));
  t.true(ready({peer: false, phase: 'deadline'}));
});

test('a new process with a kernel in sync is ready at once and says why', (t) => {
  t.regex(readinessOf({...joining, recentSync: true}).reason, /^in sync a moment ago.*on its way/);
  t.true(ready({recentSync: true, peer: false, young: true}));
  t.is(readinessOf({...joining, recentSync: true, phase: 'in-sync'}).reason, 'in sync with the peer');
});
