import test from 'ava';
import {ControlError} from '../../control/client.ts';
import type {EventsAnswer} from '../../control/events.ts';
import {compareClocks, otherSide} from '../commands/why.ts';
import {renderWhy, type WhyView} from './render-why.ts';
import {NOON, powerLoss} from './timeline.fixture.ts';
import {makeTimeline} from './timeline.ts';

const make = (more: Partial<WhyView> = {}): WhyView => {
  const {one, two} = powerLoss();
  const story = makeTimeline([
    {node: 'director2', events: two.events, ahead: 0, uncertain: 0},
    {node: 'director1', events: one.events, ahead: 0, uncertain: 0},
  ]);
  if (!story) throw new Error('no story');
  return {story, now: NOON + 65_000, node: 'director2', others: 0, ...more};
};

test('a power loss on 80 columns: the peer is dead', (t) => {
  const text = renderWhy(
    make({peer: {problem: 'director1 cannot be asked: 10.0.0.2 port 6944: no answer'}, others: 3}),
    80,
  );
  t.snapshot(text);
  t.true(text.split('\n').every((line) => line.length <= 80));
});

test('both sides: the clock difference is shown', (t) => {
  const line = (ahead: number, uncertain: number): string =>
    renderWhy(make({peer: {node: 'director1', ahead, uncertain}}), 200).split('\n')[3] ?? '';
  t.is(line(0, 4), "both sides, by director2's clock; director1's agrees within 4 ms");
  t.regex(line(1_500, 4), /director1's is 1\.5 s ahead, known to 4 ms$/);
  t.regex(line(-90, 4), /director1's is 90 ms behind, known to 4 ms$/);
});

test('a gap within the clocks’ uncertainty is not shown as a number', (t) => {
  const view = make({peer: {node: 'director1', ahead: 0, uncertain: 4}});
  const third = (took: number): string =>
    renderWhy({...view, story: {...view.story, took}}, 200).split('\n')[2] ?? '';
  t.regex(third(3), /at the same time, as far as the clocks can tell/);
  t.regex(third(-30), /taken over 30 ms before it was given up: no gap/);
  t.regex(third(300), /^300 ms from director1's last sign to the takeover/);
});

test('a low screen keeps the change and its neighbours, and counts the rest', (t) => {
  const text = renderWhy(make({peer: {problem: 'it is dead'}}), 100, 11);
  t.true(text.split('\n').length <= 12, text);
  t.regex(text, /Backup -> Active: director1 is dead/);
  t.regex(text, /is silent for 1004 ms: dead/);
  t.notRegex(text, /configuration reloaded/);
  t.regex(text, /not shown: \d+ more lines; hactl events --since "2026-11-21 11:59:50"/);
});

const answer = (wall: number): EventsAnswer => ({
  version: 1,
  node: 'director1',
  wall,
  mono: 0,
  last: 0,
  events: [],
});

test('clocks are compared by the fastest round trip', async (t) => {
  // Asked at 0, 100 and 200; heard after 40 and 8 ms: the second is short enough. The other is 1000 ms ahead, and answers at once.
  const times = [0, 40, 100, 108, 200, 260];
  let at = -1;
  const clocks = await compareClocks(
    () => Promise.resolve(answer(1_000 + (times[at] ?? 0))),
    () => times[(at += 1)] ?? 0,
  );
  t.deepEqual(clocks, {ahead: 996, uncertain: 5});
  t.is(at, 3, 'asked twice');
});

test('an unreachable peer is a note, no pair is not, other errors are thrown', async (t) => {
  const failing = (error: Error) =>
    otherSide(
      () => Promise.reject(error),
      () => 0,
    );
  t.deepEqual(await failing(new ControlError('no-peer', 'director1 cannot be asked')), {
    problem: 'director1 cannot be asked',
  });
  t.is(await failing(new ControlError('no-pair', 'x')), undefined);
  await t.throwsAsync(failing(new TypeError('x')), {instanceOf: TypeError});
  const side = await otherSide(
    () => Promise.resolve(answer(0)),
    () => 0,
  );
  t.true(side && 'events' in side && side.ahead === 0);
});
