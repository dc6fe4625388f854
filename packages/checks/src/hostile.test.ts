/** Five hostile servers of every kind together with twenty healthy ones, which stay up. The long form: test/attacks/. */
import test from 'ava';
import {attack} from './attack.fixture.ts';

test('hostile servers of every kind take no healthy server out of service', async (t) => {
  const {down, up, memory, judged, log} = await attack(t, 3_000);
  t.deepEqual(down, [], 'no healthy server was ever down');
  t.is(up, 20);
  for (const [kind, reason] of judged) {
    t.not(reason, undefined, kind);
    t.notRegex(reason ?? '', /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|correct-horse/u, kind);
    t.true((reason ?? '').length <= 300, kind);
  }
  t.log(`${memory} MB`);
  t.true(memory < 300, `${memory} MB`);
  t.deepEqual(
    log.filter((line) => line.includes('ended (')),
    [],
    'no process ended',
  );
});
