/** The processor's slowness, estimated from recent checks. */
import test from 'ava';
import {Pace} from './pace.ts';

const after = (...took: readonly number[]): number | undefined => {
  const pace = new Pace();
  for (const each of took) pace.note(each);
  return pace.slowness;
};
const times = (count: number, took: number): number[] => Array.from({length: count}, () => took);

test('there is no estimate from the first checks, whose code is still being compiled', (t) => {
  t.is(after(...times(9, 300)), undefined);
  t.not(after(...times(10, 300)), undefined);
});

test('a fast processor has a slowness of 1, however expensive most checks are', (t) => {
  t.is(after(...times(20, 0.1)), 1);
  t.is(after(...times(100, 90), ...times(12, 0.3)), 1);
});

test('if even the cheapest checks take long, costs are scaled down', (t) => {
  t.is(after(...times(64, 8)), 8);
});

test('slow checks of an hour ago are forgotten', (t) => {
  t.is(after(...times(128, 40), ...times(128, 0.2)), 1);
});
