/** One director with its peer down, in its own network and mount namespace, under adverse conditions. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';
import {makeNamespaces, type NamespaceSite} from '../lab/namespaces.ts';
import {until} from '../lab/until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const LIMIT = 90_000;
export const VIP = '10.99.0.100';
const files: Readonly<Record<string, string>> = {
  'ha.cf':
    'keepalive 100ms\ndeadtime 1\nwarntime 500ms\ninitdead 2\nbcast eth0\nnode director1 director2\nauto_failback on\n',
  authkeys: 'auth 1\n1 sha256 a-test-key\n',
  haresources: `director1 IPaddr2::${VIP}/24/eth0\n`,
};

interface Day {
  /** Shell lines run before hactld; DIR contains ha.d, run and state. WITH: the program that starts it. */
  readonly before: string;
  /** Additional lines of ha.cf. */
  readonly ha?: string;
  /** Instead of the plain address. */
  readonly haresources?: string;
}

/** One director in its own network, started after the shell lines. */
export async function direct(t: ExecutionContext, letter: string, day: Day) {
  const site = makeNamespaces({checkout: root, letter});
  t.teardown(() => site.destroy());
  return startDirector(t, site, 'director1', day);
}

/** Both directors in one network. */
export async function directTwo(t: ExecutionContext, letter: string, day: Day) {
  const site = makeNamespaces({checkout: root, letter});
  t.teardown(() => site.destroy());
  return {
    one: await startDirector(t, site, 'director1', day),
    two: await startDirector(t, site, 'director2', day),
  };
}

async function startDirector(
  t: ExecutionContext,
  site: NamespaceSite,
  node: 'director1' | 'director2',
  {before, ha = '', haresources = ''}: Day,
) {
  const directorDir = path.join(site.root, node);
  for (const [name, text] of Object.entries(files))
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    await site.write(
      node,
      path.join(directorDir, 'ha.d', name),
      name === 'ha.cf' ? text + ha : name === 'haresources' ? haresources || text : text,
      0o600,
    );
  const words = ['--config-dir', `${directorDir}/ha.d`, '--run-dir', `${directorDir}/run`, '--state-dir', `${directorDir}/state`, '--node', node]; // prettier-ignore
  const shell = `DIR=${directorDir}; mkdir -p $DIR/run $DIR/state $DIR/log; ${before}\nexec $WITH "$@"`;
  const daemon = await site.start(
    node,
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
    `${directorDir}.log`,
  );
  t.teardown(() => daemon.kill('SIGKILL', true));
  const log = (): string => readFileSync(`${directorDir}.log`, 'utf8');
  /** Whether the kernel has the address. */
  const holds = async (): Promise<boolean> =>
    (await site.run(node, ['cat', '/proc/net/fib_trie'])).stdout.includes(VIP);
  // Adds the daemon's log to the error of `until`. The limit is on the monotonic clock.
  const serves = (what: string): Promise<boolean> =>
    until(`${what}: ${node} serves`, LIMIT, holds, 100).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${log()}`);
    });
  /** Sends a signal to the processes of this director whose title begins so (a regular expression). */
  const end = async (title: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const {stdout} = await site.run(node, ['sh', '-c', `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q "^${title}" && [ "$(readlink $p/ns/net)" = "$(readlink /proc/self/ns/net)" ] && echo "\${p#/proc/}"; done; :`]); // prettier-ignore
    for (const pid of stdout
      .trim()
      .split('\n')
      .filter((word) => word !== ''))
      process.kill(Number(pid), signal);
  };
  const hactl = async (...words: readonly string[]): Promise<string> =>
    (
      await site.run(node, [
        process.execPath,
        path.join(root, 'src/hactl.ts'),
        '--run-dir',
        `${directorDir}/run`,
        ...words,
      ])
    ).stdout;
  return {site, own: directorDir, holds, serves, log, end, hactl};
}
