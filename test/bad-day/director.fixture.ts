/** One director whose peer is away, in a network and a mount namespace of its own, on a bad day. */
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';
import {makeNamespaces} from '../lab/namespaces.ts';

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
  /** Lines of the shell before hactld; DIR holds ha.d, run and state. WITH: the program that starts it. */
  readonly before: string;
  /** More lines of ha.cf. */
  readonly ha?: string;
  /** In place of the plain address. */
  readonly haresources?: string;
}

/** One director in a network of its own, started after the shell's lines. */
export async function direct(t: ExecutionContext, letter: string, {before, ha = '', haresources = ''}: Day) {
  const site = makeNamespaces({checkout: root, letter});
  t.teardown(() => site.destroy());
  const directorDir = path.join(site.root, 'director1');
  for (const [name, text] of Object.entries(files))
    // oxlint-disable-next-line no-await-in-loop -- one after the other.
    await site.write(
      'director1',
      path.join(directorDir, 'ha.d', name),
      name === 'ha.cf' ? text + ha : name === 'haresources' ? haresources || text : text,
      0o600,
    );
  const words = ['--config-dir', `${directorDir}/ha.d`, '--run-dir', `${directorDir}/run`, '--state-dir', `${directorDir}/state`, '--node', 'director1']; // prettier-ignore
  const shell = `DIR=${directorDir}; mkdir -p $DIR/run $DIR/state $DIR/log; ${before}\nexec $WITH "$@"`;
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
    `${directorDir}.log`,
  );
  t.teardown(() => daemon.kill('SIGKILL', true));
  const trie = async (): Promise<string> =>
    (await site.run('director1', ['cat', '/proc/net/fib_trie'])).stdout;
  const log = (): string => readFileSync(`${directorDir}.log`, 'utf8');
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
  return {site, own: directorDir, serves, log, end};
}
