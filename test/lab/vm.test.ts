import test from 'ava';
import {clocksAgree} from './vm.ts';

test('a guest clock that runs eight times too fast is found, one that is a little off is not', (t) => {
  t.false(clocksAgree(2, 16));
  t.false(clocksAgree(16, 2));
  t.true(clocksAgree(2, 2.2));
  t.true(clocksAgree(3, 2.5));
});
