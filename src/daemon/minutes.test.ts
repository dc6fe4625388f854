import test from 'ava';
import cron from 'node-cron';
import {makeMinutes, untilNextMinute} from './minutes.ts';

const HOUR = 3_600_000;
const at = (text: string): number => new Date(text).getTime();
/** The minutes of "15 3 * * *" at which it is due, and how often the schedule was asked. */
function daily() {
  const task = cron.createTask('15 3 * * *', () => undefined);
  let asked = 0;
  const isDue = makeMinutes((minute) => {
    asked += 1;
    return task.match(minute);
  });
  return {isDue, asked: () => asked};
}

test('a minute of the schedule is due once, however often the clock is looked at', (t) => {
  const {isDue} = daily();
  t.deepEqual(
    ['03:14:59', '03:15:00', '03:15:30', '03:15:59', '03:16:00'].map((time) =>
      isDue(at(`2026-03-02T${time}`)),
    ),
    [false, true, false, false, false],
  );
});

test('a clock set forward by 56 years asks the schedule once, and the next day is due', (t) => {
  const {isDue, asked} = daily();
  isDue(at('1970-01-02T00:00:00'));
  isDue(at('2026-03-02T10:00:00'));
  t.is(asked(), 2);
  t.true(isDue(at('2026-03-03T03:15:00')));
});

test('a clock set back by ten years: the schedule goes on with the new time', (t) => {
  const {isDue} = daily();
  t.true(isDue(at('2036-03-02T03:15:00')));
  t.false(isDue(at('2026-03-02T03:14:00')));
  t.true(isDue(at('2026-03-02T03:15:00')));
});

test('a clock set back by an hour does not make a minute due twice', (t) => {
  const {isDue} = daily();
  t.true(isDue(at('2026-03-02T03:15:00')));
  isDue(at('2026-03-02T03:40:00'));
  t.false(isDue(at('2026-03-02T03:40:00') - HOUR));
  t.false(isDue(at('2026-03-02T03:15:00')));
  t.true(isDue(at('2026-03-03T03:15:00')));
});

test('a look comes within a minute, also before 1970', (t) => {
  for (const wall of [0, 59_999, 60_000.5, -1, 1.79e12 + 17])
    t.true(untilNextMinute(wall) > 0 && untilNextMinute(wall) <= 60_000, String(wall));
});
