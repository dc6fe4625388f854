/** Where things are, on an ordinary machine; every one can be given on the command line or by environment. */
export interface Paths {
  readonly configDir: string;
  readonly runDir: string;
  readonly stateDir: string;
}

const env = (name: string, fallback: string): string => process.env[name] ?? fallback;

export const defaultPaths: Paths = {
  configDir: env('HACTL_CONFIG_DIR', '/etc/ha.d'),
  runDir: env('HACTL_RUN_DIR', '/run/hactl'),
  stateDir: env('HACTL_STATE_DIR', '/var/lib/hactl'),
};

/** The control socket of the daemon that uses `runDir`. */
export const controlSocket = (runDir: string): string => `${runDir}/control.sock`;

/** Beside it, for the read group. */
export const readSocket = (runDir: string): string => `${runDir}/control-read.sock`;

/** This release. */
export const VERSION = '0.1.0';

export const ABOUT =
  'The HA director pair for Linux Virtual Server: see what it does, and tell it what to do.';

/** hactld's options: the form, and what the manual page says of each. */
export const daemonOptions: readonly (readonly [form: string, text: string])[] = [
  ['--config-dir DIR', `where ha.cf, haresources, authkeys and ldirectord.cf are; ${defaultPaths.configDir}`],
  ['--run-dir DIR', `where the control sockets are made; ${defaultPaths.runDir}`],
  ['--state-dir DIR', `what must survive a restart; ${defaultPaths.stateDir}`],
  ['--node NAME', 'the name of this director in ha.cf; uname -n'],
  ['--ldirectord FILE', 'a single director with this file only, whatever else is in the directory'],
  ['--strict', 'refuse what the original programs refuse, instead of repairing it'],
  ['--log-level error|warn|info|debug', 'what is worth a line; info'],
  ['--log-format human|json', 'how a line looks; human'],
];

/** One paragraph on the daemon, for its help and its manual page. */
export const DAEMON_TEXT = `Runs a director in the foreground. SIGTERM stops it in good order (addresses go to the
peer first), SIGHUP reads the files again. With --ldirectord it is a single director with
that file only.`;

/** What `hactld --help` prints. */
export const DAEMON_USAGE = `usage: hactld ${daemonOptions
  .map(([form]) => `[${form}]`)
  .reduce<string[]>(
    (lines, word) => {
      const last = lines.at(-1) ?? '';
      return `${last} ${word}`.length > 80
        ? [...lines, `              ${word}`]
        : [...lines.slice(0, -1), last === '' ? word : `${last} ${word}`];
    },
    [''],
  )
  .join('\n')}

${DAEMON_TEXT} docs/hactl.md says more.
`;
