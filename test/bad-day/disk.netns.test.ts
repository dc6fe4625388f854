/**
 * Disk trouble of one director with its peer down: it serves what it can and reports the problem once. Whether it serves is
 * read from the kernel, never from the daemon.
 */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {until} from '../lab/until.ts';
import {direct, LIMIT} from './director.fixture.ts';

interface BadDay {
  /** Shell lines in its own mount namespace, run before hactld; DIR contains ha.d, run and state. */
  readonly before: string;
  /** The expected log line, and its maximum count. */
  readonly said?: RegExp;
}

const days: Readonly<Record<string, BadDay>> = {
  'a full state directory': {
    before:
      'mount -t tmpfs -o size=4k none $DIR/state; head -c 100000 /dev/zero >$DIR/state/fill 2>/dev/null || :',
    said: /ENOSPC|cannot be locked/,
  },
  'a read-only state directory': {
    before: 'mount -t tmpfs none $DIR/state; mount -o remount,ro $DIR/state',
    said: /EROFS/,
  },
  'a read-only run directory': {
    before: 'mount -t tmpfs none $DIR/run; mount -o remount,ro $DIR/run',
    said: /no control socket/,
  },
  'few descriptors': {before: 'ulimit -n 96'},
  'a log file on a full file system': {
    before:
      'mount -t tmpfs -o size=4k none $DIR/log; head -c 100000 /dev/zero >$DIR/log/fill 2>/dev/null || :',
  },
};

for (const [index, [what, day]] of Object.entries(days).entries())
  test.serial(`${what}: the director serves, even after its engine is killed`, async (t) => {
    const more = what.startsWith('a log file') ? 'logfile ROOT\n' : '';
    const director = await direct(t, `k${index}`, {
      before: day.before,
      ha: more.replace('ROOT', '/dev/full'),
    });
    await director.serves('at the start');
    await director.end('hactld-failover');
    await director.serves('after the engine was killed');
    t.false(/^\s+at /m.test(director.log()), `a stack: ${director.log()}`);
    if (day.said) t.regex(director.log(), day.said);
  });

test.serial('a half-written file and a killed supervisor: the version in use is served', async (t) => {
  const director = await direct(t, 'kf', {before: ':'});
  await director.serves('at the start');
  await until('its version is saved', LIMIT, () => {
    try {
      return readFileSync(`${director.own}/state/config/version-000001.json`, 'utf8');
    } catch {
      return undefined;
    }
  });
  await director.site.write(
    'director1',
    `${director.own}/ha.d/haresources`,
    'director1 IPaddr2::10.99.',
    0o600,
  );
  await director.end('hactld-supervisor');
  await until('the successor logs which version it uses', LIMIT, () =>
    /version 1 is in use/.test(director.log()),
  );
  await director.serves('with the version that was in use');
  t.pass();
});
