import test from 'ava';
import {countTap} from '../tap.ts';

test('results are counted; console lines and skips are not', (t) => {
  const text =
    'TAP version 13\n[    1.2] kernel: ok 5\nok 1 - a\nnot ok 2 - b\n  ---\n  ok: true\nok 3 - c # SKIP\nok 4 - d\r\n';
  t.deepEqual(countTap(text), {passed: 2, failed: 1});
});
