import test from 'ava';
import {clocksAgree} from './vm.ts';

test('a guest clock running eight times too fast is detected, a slightly wrong one is not', (t) => {
  t.false(clocksAgree(2, 16));
  t.false(clocksAgree(16, 2));
  t.true(clocksAgree(2, 2.2));
  t.true(clocksAgree(3, 2.5));
});
