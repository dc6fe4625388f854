/** Tells why a command failed, and what to type next. */
import {existsSync} from 'node:fs';
import {ControlError} from '../control/client.ts';
import {defaultPaths} from '../system/paths.ts';
import {exit, CliError} from './exit.ts';
import {nextStep} from './next-step.ts';
import {shownText} from './render/shown.ts';

/** A director without a configuration has no daemon: systemd is not to blame. */
const hasConfiguration = (): boolean =>
  ['ha.cf', 'ldirectord.cf'].some((name) => existsSync(`${defaultPaths.configDir}/${name}`));

/** If the message names no command: the help of the one typed. */
function nextOfCommand(message: string, typed: string | undefined): string | undefined {
  if (/\b(hactl [a-z]|systemctl )/.test(message)) return undefined;
  return `hactl ${typed === undefined ? '' : `${typed} `}--help`;
}

function tell(message: string, next: string | undefined): void {
  process.stderr.write(
    `hactl: ${shownText(message)}\n${next === undefined ? '' : `next: ${shownText(next)}\n`}`,
  );
}

/**
 * Writes the message of a failed command to standard error and returns its exit status. `typed`: the command's name. Any other
 * error is a fault of ours and is thrown again.
 */
export function tellFailure(error: unknown, typed: string | undefined): number {
  if (error instanceof ControlError) {
    const isNew = error.code === 'no-daemon' && !hasConfiguration();
    tell(error.message, isNew ? 'hactl init' : nextStep(error.code, error.message));
    return ['no-daemon', 'no-permission', 'timeout', 'closed'].includes(error.code)
      ? exit.noDaemon
      : exit.failed;
  }
  if (!(error instanceof CliError)) throw error;
  tell(error.message, error.next ?? nextOfCommand(error.message, typed));
  return error.status;
}
