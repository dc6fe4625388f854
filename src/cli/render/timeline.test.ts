import test from 'ava';
import {journalOf, NOON, powerLoss} from './timeline.fixture.ts';
import {makeTimeline, type Side} from './timeline.ts';

const side = (
  {node, events}: ReturnType<typeof journalOf>,
  ahead = 0,
  uncertain = ahead === 0 ? 0 : 1,
): Side => ({node, events, ahead, uncertain});

const textsOf = (story: ReturnType<typeof makeTimeline>): string[] =>
  story?.lines.map(({offset, node, text}) => `${offset} ${node} ${text}`) ?? [];

test('a power loss: the last adverts appear when they were heard, not when their silence was noticed', (t) => {
  const {two} = powerLoss();
  const story = makeTimeline([side(two)]);
  t.is(story?.title, 'director2 took over IPaddr2::10.0.0.100/24/eth0 from director1: director1 is dead');
  t.is(story?.wall, NOON + 3);
  t.is(story?.took, 1_007, 'from the last advert to the takeover');
  t.deepEqual(textsOf(story), [
    '-1007 director2 the last advert is heard: ucast eth1, mcast eth0',
    '-503 director2 late heartbeat: director1 is silent for 500 ms',
    '-3 director2 director1 is silent for 1004 ms: dead',
    '0 director2 Backup -> Active: director1 is dead',
  ]);
  t.deepEqual(
    story?.lines.filter(({core}) => core).map(({text}) => text),
    ['Backup -> Active: director1 is dead'],
  );
});

test("the other's clock is corrected: its lines are merged with ours in order", (t) => {
  const {one: first, two} = powerLoss(3_600_000);
  const story = makeTimeline([side(first), side(two, 3_600_000)]);
  t.is(story?.wall, NOON + 3);
  t.deepEqual(textsOf(story)[0], '-5003 director1 configuration reloaded: no change');
  t.is(story?.took, 1_007);
});

test('a planned move: taken over before it is given up', (t) => {
  const first = journalOf('director1');
  const two = journalOf('director2');
  first.role(-60_000, 'Backup', 'Active', 'no director holds it');
  first.add(-20, 'operator', 'hactl standby all');
  two.role(0, 'Backup', 'Active', 'director1 hands over');
  first.role(4, 'Active', 'Backup', 'director2 has taken over');
  first.add(6, 'operator', 'hactl standby all: done');
  const story = makeTimeline([side(first), side(two)]);
  t.is(story?.title, 'director2 took over IPaddr2::10.0.0.100/24/eth0 from director1: director1 hands over');
  t.is(story?.took, -4);
  t.deepEqual(textsOf(story), [
    '-20 director1 hactl standby all',
    '0 director2 Backup -> Active: director1 hands over',
    '4 director1 Active -> Backup: director2 has taken over',
    '6 director1 hactl standby all: done',
  ]);
  t.is(makeTimeline([side(first), side(two)], NOON - 1_000)?.wall, NOON - 60_000, 'the change before');
  t.is(makeTimeline([side(first), side(two)], NOON - 100_000), undefined);
});

test('both took it: the timeline is about the one that kept it', (t) => {
  const first = journalOf('director1');
  const two = journalOf('director2');
  first.role(0, 'Backup', 'Active', 'director2 is dead');
  two.role(1, 'Backup', 'Active', 'director1 is dead');
  two.role(2, 'Active', 'Backup', 'director1 has priority');
  t.is(
    makeTimeline([side(first), side(two)])?.title,
    'director1 took over IPaddr2::10.0.0.100/24/eth0 from director2: director2 is dead',
  );
});

test('a group given up that nobody took', (t) => {
  const first = journalOf('director1');
  first.role(-60_000, 'Backup', 'Active', 'no director holds it');
  first.role(0, 'Active', 'Backup', 'eth0 is down');
  const story = makeTimeline([side(first)]);
  t.is(story?.title, 'director1 gave up IPaddr2::10.0.0.100/24/eth0, and nobody took it: eth0 is down');
  t.is(story?.took, undefined);
});

test('several groups are named in their lines', (t) => {
  const two = journalOf('director2');
  two.role(0, 'Backup', 'Active', 'director1 is dead', 'mail');
  two.role(1, 'Backup', 'Active', 'director1 is dead', 'web');
  const story = makeTimeline([side(two)]);
  t.is(story?.title, 'director2 took over 2 groups: director1 is dead');
  t.deepEqual(textsOf(story), [
    '-1 director2 mail: Backup -> Active: director1 is dead',
    '0 director2 web: Backup -> Active: director1 is dead',
  ]);
});

test('a long deadtime: the timeline starts with the last advert', (t) => {
  const two = journalOf('director2');
  two.add(-30_500, 'operator', 'hactl reload');
  two.dead(0, 'director1', 30_000);
  two.role(1, 'Backup', 'Active', 'director1 is dead');
  const story = makeTimeline([side(two)]);
  t.deepEqual(textsOf(story).slice(0, 2), [
    '-30501 director2 hactl reload',
    '-30001 director2 the last advert of director1 is heard',
  ]);
});

test('a returning peer is shown once, not for each path', (t) => {
  const first = journalOf('director1');
  first.role(0, 'Backup', 'Active', 'no director holds it');
  first.add(10, 'peer', 'director2 is heard', {code: 'peer-up'});
  first.add(500, 'path', 'mcast eth0: director2 is heard', {hears: true});
  t.deepEqual(textsOf(makeTimeline([side(first)])), [
    '0 director1 Backup -> Active: no director holds it',
    '10 director1 director2 is heard',
  ]);
});

test('a clock step in between is reported', (t) => {
  const two = journalOf('director2');
  two.dead(-3, 'director1', 1_000);
  two.role(0, 'Backup', 'Active', 'director1 is dead');
  const events = two.events.map((event) => ({...event, mono: event.seq === 2 ? event.mono - 1 : event.mono}));
  t.deepEqual(makeTimeline([{...side(two), events}])?.notes, [], 'a millisecond is nothing');
  const set = two.events.map((event) => ({
    ...event,
    wall: event.seq === 2 ? event.wall + 2_000 : event.wall,
  }));
  t.regex(
    makeTimeline([{...side(two), events: set}])?.notes.join('') ?? '',
    /^director2's clock was set by 2000 ms/,
  );
});

test('without a pair: the last change of a server', (t) => {
  const first = journalOf('director1');
  first.add(-60_000, 'daemon', 'hactld 0.1.0 starts');
  first.add(-2, 'check', '10.0.0.12:80 is down: refused', undefined, 'warn');
  first.add(0, 'table', 'Deleted real server: 10.0.0.12:80');
  const story = makeTimeline([side(first)]);
  t.is(story?.title, 'Deleted real server: 10.0.0.12:80');
  t.deepEqual(textsOf(story), [
    '-2 director1 10.0.0.12:80 is down: refused',
    '0 director1 Deleted real server: 10.0.0.12:80',
  ]);
  t.is(makeTimeline([]), undefined);
});
