/**
 * Bad days of one director whose peer is away: what can be served is served, and said once. Who serves is read from the
 * kernel, never from the daemon.
 */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {makeNamespaces} from '../lab/namespaces.ts';
import {until} from '../lab/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT = 90_000;
const VIP = '10.99.0.100';
const files = {
  'ha.cf':
    'keepalive 100ms\ndeadtime 1\nwarntime 500ms\ninitdead 2\nbcast eth0\nnode director1 director2\nauto_failback on\n',
  authkeys: 'auth 1\n1 sha256 a-test-key\n',
  haresources: `director1 IPaddr2::${VIP}/24/eth0\n`,
};

interface BadDay {
  /** Lines of the shell in a mount namespace of its own, before hactld; DIR holds ha.d, run and state. */
  readonly before: string;
  /** What the log has to say, and how often at most. */
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

/** One director in a network of its own, started after the shell's lines. */
async function direct(t: ExecutionContext, letter: string, before: string, more = '') {
  const site = makeNamespaces({checkout: root, letter});
  t.teardown(() => site.destroy());
  const own = path.join(site.root, 'director1');
  for (const [name, text] of Object.entries(files))
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    await site.write('director1', path.join(own, 'ha.d', name), name === 'ha.cf' ? text + more : text, 0o600);
  const words = ['--config-dir', `${own}/ha.d`, '--run-dir', `${own}/run`, '--state-dir', `${own}/state`, '--node', 'director1']; // prettier-ignore
  const shell = `DIR=${own}; mkdir -p $DIR/run $DIR/state $DIR/log; ${before}\nexec "$@"`;
  const daemon = await site.start(
    'director1',
    [
      'unshare',
      '--mount',
      'sh',
      '-c',
      shell,
      'sh',
      process.execPath,
      path.join(root, 'src/hactld.ts'),
      ...words,
    ],
    `${own}.log`,
  );
  t.teardown(() => daemon.kill('SIGKILL', true));
  const trie = async (): Promise<string> =>
    (await site.run('director1', ['cat', '/proc/net/fib_trie'])).stdout;
  const log = (): string => readFileSync(`${own}.log`, 'utf8');
  const serves = async (what: string): Promise<void> => {
    const end = Date.now() + LIMIT;
    // oxlint-disable-next-line no-await-in-loop -- this loop is the waiting.
    while (!(await trie()).includes(VIP)) {
      if (Date.now() > end) throw new Error(`${what}: nobody serves: ${log()}`);
      // oxlint-disable-next-line no-await-in-loop -- as above.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  /** Processes of this site by their title. */
  const end = async (title: string): Promise<void> => {
    const {stdout} = await site.run('director1', ['sh', '-c', `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q "^${title}" && [ "$(readlink $p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && echo "\${p#/proc/}"; done; :`]); // prettier-ignore
    for (const pid of stdout
      .trim()
      .split('\n')
      .filter((word) => word !== ''))
      process.kill(Number(pid), 'SIGKILL');
  };
  return {site, own, serves, log, end};
}

for (const [index, [what, day]] of Object.entries(days).entries())
  test.serial(`${what}: the director serves, also after its engine was killed`, async (t) => {
    const more = what.startsWith('a log file') ? 'logfile ROOT\n' : '';
    const one = await direct(t, `k${index}`, day.before, more.replace('ROOT', '/dev/full'));
    await one.serves('at the start');
    await one.end('hactld-failover');
    await one.serves('after the engine was killed');
    t.false(/^\s+at /m.test(one.log()), `a stack: ${one.log()}`);
    if (day.said) t.regex(one.log(), day.said);
  });

test.serial('a half-written file and a killed supervisor: the version that was in use serves', async (t) => {
  const one = await direct(t, 'kf', ':');
  await one.serves('at the start');
  await until('its version is kept', LIMIT, () => {
    try {
      return readFileSync(`${one.own}/state/config/version-000001.json`, 'utf8');
    } catch {
      return undefined;
    }
  });
  await one.site.write('director1', `${one.own}/ha.d/haresources`, 'director1 IPaddr2::10.99.', 0o600);
  await one.end('hactld-supervisor');
  await until('the successor says what it does', LIMIT, () => /version 1 is in use/.test(one.log()));
  await one.serves('with the version that was in use');
  t.pass();
});
