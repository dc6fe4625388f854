import test from 'ava';
import type {EngineStatus, PathStatus} from '@hactl/failover';
import type {SyncReport} from '@hactl/sync';
import {handlers} from '../control/handlers.fixture.ts';
import {answerWith} from '../control/respond.ts';
import type {EventDraft} from '../control/events.ts';
import {journalled, ofEngineEvent, ofScripts} from './drafts.ts';
import {initialJournal, reduceJournal, type Happening, type JournalState} from './slice.ts';

const path = (name: string, hears: boolean, heard: boolean, lastHeardAgo = 10): PathStatus => ({
  name,
  hears,
  heard,
  lastHeardAgo,
  received: 1,
  sent: 1,
  dropped: 0,
});
const status = (paths: readonly PathStatus[], counters: Record<string, number> = {}): EngineStatus => ({
  pid: 1,
  node: 'd1',
  realtime: '',
  groups: [],
  peers: [{name: 'd2', state: 'up', groups: []}],
  paths,
  counters,
  vipLease: 0,
  vipRenewal: 0,
  lateness: {p50: 0, p99: 0, max: 0},
  pings: [],
});

const start = () => {
  const drafts: EventDraft[] = [];
  let now = 0;
  let state: JournalState = initialJournal;
  const happen = (what: Happening): void => {
    const [next, more] = reduceJournal(state, what, {now, wall: 1_000_000 + now});
    state = next;
    drafts.push(...more);
  };
  const see = (status: EngineStatus): void =>
    happen({type: 'engine', message: {type: 'status', id: 0, status}});
  const messagesOf = (): string[] => drafts.splice(0).map(({text}) => text);
  return {happen, see, said: messagesOf, drafts, pass: (ms: number) => (now += ms)};
};

test('a path that falls silent is recorded once, with the time of its last advert', (t) => {
  const {see, said, drafts} = start();
  see(status([path('ucast eth0', true, true), path('mcast eth1', true, true)]));
  t.deepEqual(said(), [], 'the initial state is not recorded');
  see(status([path('ucast eth0', true, true), path('mcast eth1', false, true, 300)]));
  t.is(drafts[0]?.data?.lastHeard, 1_000_000 - 300);
  t.deepEqual(said(), ['mcast eth1: deaf: nothing comes from d2']);
  see(status([path('ucast eth0', true, true), path('mcast eth1', false, true, 800)]));
  t.deepEqual(said(), []);
  see(status([path('ucast eth0', true, true), path('mcast eth1', true, true)]));
  t.deepEqual(said(), ['mcast eth1: d2 is heard']);
});

test('one-way loss is recorded by the side that is not heard', (t) => {
  const {see, said} = start();
  see(status([path('ucast eth0', true, true)]));
  see(status([path('ucast eth0', true, false)]));
  t.deepEqual(said(), ['ucast eth0: d2 does not hear this director on it']);
  see(status([path('ucast eth0', true, true)]));
  t.deepEqual(said(), ['ucast eth0: d2 hears this director on it']);
});

test('a new engine starts over: no path is recorded as deaf', (t) => {
  const {see, said, happen} = start();
  see(status([path('ucast eth0', true, true)]));
  happen({type: 'engine', message: {type: 'ready', pid: 2, realtime: ''}});
  see(status([path('ucast eth0', false, false)]));
  t.deepEqual(said(), []);
});

test('rejected datagrams: at most one event a minute per fault', (t) => {
  const {see, said, pass} = start();
  see(status([], {'fault-bad-tag': 3, other: 1}));
  t.deepEqual(said(), ['heartbeat datagrams rejected: bad-tag 3, 3 in all']);
  see(status([], {'fault-bad-tag': 9}));
  pass(59_000);
  see(status([], {'fault-bad-tag': 12}));
  t.deepEqual(said(), []);
  pass(1_000);
  see(status([], {'fault-bad-tag': 13}));
  t.deepEqual(said(), ['heartbeat datagrams rejected: bad-tag 10, 13 in all']);
});

test('engine events are filed by their fields, not by their text', (t) => {
  const filed = (code: string, more: {peer?: string; silence?: number} = {}) => {
    const event = {type: 'event', level: 'warn', code, message: 'd9 is silent for 1 ms', ...more} as const;
    const {kind, subject, data} = ofEngineEvent(event);
    return [kind, subject, data?.silence];
  };
  t.deepEqual(filed('peer-dead', {peer: 'd2', silence: 304}), ['peer', 'd2', 304]);
  t.deepEqual(filed('late-heartbeat', {peer: 'd2', silence: 120}), ['peer', 'd2', 120]);
  t.deepEqual(filed('peer-up', {peer: 'd2'}), ['peer', 'd2', undefined]);
  t.deepEqual(filed('address-gone'), ['address', 'address-gone', undefined]);
  t.deepEqual(filed('something-new'), ['process', 'failover', undefined]);
});

test('readiness: only a change between ready and not ready is recorded', (t) => {
  const {happen, said} = start();
  const ready = (may: boolean, reason: string): void =>
    happen({type: 'readiness-changed', readiness: {ready: may, reason}});
  ready(false, '2 reals not checked yet');
  ready(false, '1 reals not checked yet');
  t.deepEqual(said(), []);
  ready(true, 'first round done');
  ready(true, 'in sync');
  ready(false, 'IPVS');
  t.deepEqual(said(), ['may take over by choice: first round done', 'must not take over by choice: IPVS']);
});

test('connection sync: phases and new problems are recorded', (t) => {
  const {happen, said} = start();
  const report = (phase: SyncReport['phase'], peer = true): SyncReport =>
    ({phase, peer, reason: 'r', here: 1, missingHere: 0}) as SyncReport;
  happen({type: 'sync-status', status: {daemons: [], report: report('waiting')}});
  happen({type: 'sync-status', status: {daemons: [], report: report('in-sync')}});
  happen({type: 'sync-status', status: {daemons: [], report: report('in-sync')}});
  happen({
    type: 'sync-status',
    status: {daemons: [], report: report('in-sync', false), problem: 'no socket'},
  });
  happen({
    type: 'sync-status',
    status: {daemons: [], report: report('in-sync', false), problem: 'no socket'},
  });
  t.deepEqual(said(), [
    'connection sync: waiting: r',
    'connection sync: in-sync: r',
    'connection sync: no socket',
    "connection sync: the peer's process is not heard any more",
  ]);
});

test('a command is recorded before and after it runs, a query is not', async (t) => {
  const texts: string[] = [];
  const answer = journalled(
    ({text}) => texts.push(text),
    answerWith(
      handlers({
        reload: async () => ({ok: true, changes: [], diagnostics: []}),
        move: async () => ({ok: false, reason: 'the peer is not ready'}),
        'config-history': async () => ({versions: [], pushes: []}),
        resync: () => Promise.reject(new Error('no pair')),
      }),
    ),
  );
  await answer({command: 'reload'});
  await answer({command: 'move', move: 'standby', scope: 'all'});
  t.deepEqual(await answer({command: 'config-history'}), {versions: [], pushes: []});
  await t.throwsAsync(answer({command: 'resync'}), {message: 'no pair'});
  t.deepEqual(texts, [
    'hactl reload',
    'hactl reload: done',
    'hactl standby all',
    'hactl standby all: NOT done: the peer is not ready',
    'hactl sync resync',
    'hactl sync resync: NOT done: no pair',
  ]);
});

test('scripts are recorded only for lines that have some', (t) => {
  const span = {} as never;
  const group = (types: readonly string[]) => ({
    span,
    node: 'd1',
    name: types[0] ?? '',
    resources: types.map((type) => ({span, type, args: [], text: type}) as never),
  });
  t.deepEqual(ofScripts(group(['IPaddr2']), 'start', {ok: true, reason: ''}), []);
  t.deepEqual(
    ofScripts(group(['IPaddr2', 'apache']), 'start', {ok: false, reason: 'apache start ended with 1'}).map(
      ({level, text}) => [level, text],
    ),
    [['error', 'scripts apache, start: FAILED: apache start ended with 1']],
  );
});
