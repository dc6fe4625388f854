/** The command line of `heartbeat`: its init script's actions, and the program options that people use. Pure. */

export const actions = ['start', 'stop', 'status', 'restart', 'reload', 'force-reload', 'standby'] as const;
export type Action = (typeof actions)[number];

export type CommandLine =
  | {readonly kind: 'act'; readonly action: Action; readonly plain: boolean}
  | {readonly kind: 'run'; readonly debug: boolean}
  | {readonly kind: 'help' | 'version'}
  | {readonly kind: 'usage'; readonly problem?: string};

/** An option letter of heartbeat's program; `plain`: without the init script's messages. */
const letters: Readonly<Record<string, Action>> = {s: 'status', k: 'stop', r: 'reload'};
/** Options that change nothing here, each with the reason. */
export const without: Readonly<Record<string, string>> = {
  l: 'ha.cf decides whether the failover engine runs in real time: realtime off',
  M: 'resources are always managed: hactl resource stop NAME leaves one alone',
  D: 'docs/configuration.md lists every directive with its default',
  W: 'docs/configuration.md lists every directive with its default',
  R: 'it was for the inside of heartbeat',
  C: 'it was for the inside of heartbeat',
};

export const USAGE = `usage: heartbeat {start|stop|status|restart|reload|force-reload|standby}
       heartbeat -s | -k | -r      status, stop, reload
       heartbeat -f [-d]           in the foreground (-d: with debug messages)
       heartbeat -V | -h           version, this text
`;

/** The requested action; `usage` if the command line is invalid. */
export function readCommandLine(words: readonly string[]): CommandLine {
  const action = actions.find((action) => action === words[0]);
  if (action !== undefined && words.length === 1) return {kind: 'act', action, plain: false};
  if (words.length === 1 && words[0] === '--help') return {kind: 'help'};
  const flags: string[] = [];
  for (const word of words) {
    if (!/^-[A-Za-z]+$/.test(word)) return {kind: 'usage'};
    flags.push(...word.slice(1).split(''));
  }
  const refused = flags.find((flag) => flag in without);
  if (refused !== undefined) return {kind: 'usage', problem: `-${refused}: ${without[refused]}`};
  const asked = flags.filter((flag) => flag !== 'd' && flag !== 'v');
  const [flag = '', ...more] = asked;
  if (more.length > 0) return {kind: 'usage'};
  if (flag === 'f') return {kind: 'run', debug: flags.includes('d')};
  if (flag === 'V') return {kind: 'version'};
  if (flag === 'h') return {kind: 'help'};
  const meant = letters[flag];
  return meant === undefined ? {kind: 'usage'} : {kind: 'act', action: meant, plain: true};
}
