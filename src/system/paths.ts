/** Default paths; each can be overridden on the command line or by environment. */
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

/** The control socket of the read group, in the same directory. */
export const readSocket = (runDir: string): string => `${runDir}/control-read.sock`;

/** This release. */
export const VERSION = '0.2.0';

export const ABOUT =
  'The HA director pair for Linux Virtual Server: see what it does, and tell it what to do.';
