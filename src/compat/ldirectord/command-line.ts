/** The command line `ldirectord [-d] [--] [CONFIG] ACTION`. Pure. */

export const actions = [
  'start',
  'stop',
  'restart',
  'try-restart',
  'status',
  'reload',
  'force-reload',
] as const;
export type Action = (typeof actions)[number];

export type CommandLine =
  | {readonly kind: 'act'; readonly action: Action; readonly config: string; readonly debug: boolean}
  | {readonly kind: 'help' | 'version' | 'usage'};

const DEFAULT_CONFIG = 'ldirectord.cf';

export const USAGE = `usage: ldirectord [-d|--debug] [--] [CONFIG] {start|stop|restart|try-restart|status|reload|force-reload}
       ldirectord -h|-?|--help
       ldirectord -v|--version

CONFIG is looked for in /etc/ha.d, in /etc/ha.d/conf and as a path; without it: ldirectord.cf.
`;

/** The requested action; `usage` if the command line is invalid. */
export function readCommandLine(words: readonly string[]): CommandLine {
  const rest: string[] = [];
  let debug = false;
  let options = true;
  for (const word of words) {
    if (options && word === '--') options = false;
    else if (options && (word === '-d' || word === '--debug')) debug = true;
    else if (options && (word === '-h' || word === '-?' || word === '--help')) return {kind: 'help'};
    else if (options && (word === '-v' || word === '--version')) return {kind: 'version'};
    else if (options && word.startsWith('-')) return {kind: 'usage'};
    else rest.push(word);
  }
  const action = actions.find((action) => action === rest.at(-1));
  if (action === undefined || rest.length > 2) return {kind: 'usage'};
  return {kind: 'act', action, debug, config: rest.length === 2 ? (rest[0] ?? '') : DEFAULT_CONFIG};
}
