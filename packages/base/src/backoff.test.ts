import test from 'ava';
import {backoff, doubling} from './index.ts';

test('pauses double from the first to the longest, and a long life ends them', (t) => {
  const pauses = Array.from({length: 9}).reduce<number[]>(
    (all) => [...all, backoff(10, all.at(-1) ?? 0)],
    [],
  );
  t.deepEqual(pauses, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  t.is(backoff(5_001, 3_200), 0);
  t.is(backoff(5_000, 0), 50, 'a process that lived exactly that long is not stable');
  t.is(backoff(10, 1_600, {most: 2_000}), 2_000);
});

test('the pause doubles with each consecutive failure up to the longest', (t) => {
  const limits = {first: 1_000, most: 60_000};
  t.deepEqual(
    [1, 2, 3, 6, 7, 5_000].map((failures) => doubling(failures, limits)),
    [1_000, 2_000, 4_000, 32_000, 60_000, 60_000],
  );
});
