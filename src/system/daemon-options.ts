/** hactld's options: one list for its parser, help, manual page and the programs that start it. Pure. */
import {defaultPaths} from './paths.ts';

export interface DaemonOption {
  readonly name: string;
  /** The placeholder for the value in the help; without it the option is a switch. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly fallback?: string;
  readonly text: string;
}

export const daemonOptions: readonly DaemonOption[] = [
  {
    name: 'config-dir',
    value: 'DIR',
    fallback: defaultPaths.configDir,
    text: `where ha.cf, haresources, authkeys and ldirectord.cf are; ${defaultPaths.configDir}`,
  },
  {
    name: 'run-dir',
    value: 'DIR',
    fallback: defaultPaths.runDir,
    text: `where the control sockets are made; ${defaultPaths.runDir}`,
  },
  {
    name: 'state-dir',
    value: 'DIR',
    fallback: defaultPaths.stateDir,
    text: `what must survive a restart; ${defaultPaths.stateDir}`,
  },
  {name: 'node', value: 'NAME', text: 'the name of this director in ha.cf; uname -n'},
  {
    name: 'ldirectord',
    value: 'FILE',
    text: 'a single director with this file only, whatever else is in the directory',
  },
  {name: 'strict', text: 'refuse what the original programs refuse, instead of repairing it'},
  {
    name: 'log-level',
    value: 'error|warn|info|debug',
    choices: ['error', 'warn', 'info', 'debug'],
    fallback: 'info',
    text: 'what is worth a line; info',
  },
  {
    name: 'log-format',
    value: 'human|json',
    choices: ['human', 'json'],
    fallback: 'human',
    text: 'how a line looks; human',
  },
];

/** `--node NAME`, as the help and the manual write it. */
export const formOf = ({name, value}: DaemonOption): string =>
  value === undefined ? `--${name}` : `--${name} ${value}`;

/** One paragraph on the daemon, for its help and its manual page. */
export const DAEMON_TEXT = `Runs a director in the foreground. SIGTERM stops it gracefully (addresses go to the
peer first), SIGHUP reads the files again. With --ldirectord it is a single director with
that file only.`;
