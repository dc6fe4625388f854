/** Hostile real servers, each kind separately and all at once for half a minute: healthy ones stay up and are checked in time. */
import {loadavg} from 'node:os';
import test from 'ava';
import {attack} from '../../packages/checks/src/attack.fixture.ts';
import {kinds} from '../../packages/checks/src/hostile.fixture.ts';

const LATENESS_MAX = 200;
const MEMORY_MAX = 300;

for (const [title, only, duration] of [
  ...Object.keys(kinds).map((kind) => [kind, [kind], 8_000] as const),
  ['all kinds at once', Object.keys(kinds), 30_000] as const,
])
  test(`five hostile servers, ${title}: twenty healthy ones stay up, checked in time`, async (t) => {
    const {down, up, memory, healthy, quarantined, judged, log} = await attack(t, duration, [...only]);
    t.log(
      `p50 ${healthy.p50} ms, p99 ${healthy.p99} ms, max ${Math.round(healthy.max)} ms; ${quarantined.length} in quarantine; ${memory} MB; load ${loadavg()[0]?.toFixed(1)}; ${[...judged.values()].at(0) ?? ''}`,
    );
    t.deepEqual(down, []);
    t.is(up, 20);
    t.true(healthy.p99 <= LATENESS_MAX, `p99 ${healthy.p99} ms`);
    t.true(memory < MEMORY_MAX, `${memory} MB`);
    t.deepEqual(
      log.filter((line) => line.includes('ended (')),
      [],
    );
  });
