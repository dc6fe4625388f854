/** What a child gets of our environment: PATH and locale, and nothing that was meant for us. */

const KEPT = /^(?:PATH|HOME|LANG|LC_[A-Z]+|TZ|TMPDIR)$/;
const OURS = /^NODE_/;

/** For the commands of users. */
export const commandEnvironment = (all: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ...Object.fromEntries(Object.entries(all).filter(([name]) => KEPT.test(name))),
});

/** For processes of our own. One arena of malloc: V8's and Node's helper threads would keep what they freed in eight. */
export const shardEnvironment = (all: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...commandEnvironment(all),
  MALLOC_ARENA_MAX: '1',
  ...Object.fromEntries(Object.entries(all).filter(([name]) => OURS.test(name))),
});
