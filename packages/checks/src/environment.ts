/** The environment of child processes: PATH and locale, without variables meant for this process. */

const KEPT = /^(?:PATH|HOME|LANG|LC_[A-Z]+|TZ|TMPDIR)$/;
const OURS = /^NODE_/;
const USUAL = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Without the current directory and what is relative to it: who may write there would name a program of root. */
const absolute = (path = ''): string =>
  path
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .join(':') || USUAL;

/** For configured commands. */
export const commandEnvironment = (all: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(all).filter(([name]) => KEPT.test(name))),
  PATH: absolute(all['PATH']),
});

/** For hactl's own processes. One malloc arena: with eight, V8's and Node's helper threads would keep freed memory in each. */
export const shardEnvironment = (all: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...commandEnvironment(all),
  MALLOC_ARENA_MAX: '1',
  ...Object.fromEntries(Object.entries(all).filter(([name]) => OURS.test(name))),
});
