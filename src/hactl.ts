#!/usr/bin/env node
/** The operator's command. Everything that it knows of the running director it asks over the control socket. */
import {existsSync} from 'node:fs';
import {exit, CliError} from './cli/exit.ts';
import {nextStep} from './cli/next-step.ts';
import {makeProgram} from './cli/program.ts';
import {shownText} from './cli/render/shown.ts';
import {ControlError} from './control/client.ts';
import {defaultPaths} from './system/paths.ts';

let result: number = exit.ok;
const program = makeProgram((status) => (result = status));

/** What stands behind `ipvsadm`, where that is the command; in front of it only `--run-dir`, which means nothing to it. */
function ipvsadmWords([first = '', ...words]: readonly string[]): readonly string[] | undefined {
  if (first === 'ipvsadm') return words;
  if (first === '--run-dir') return ipvsadmWords(words.slice(1));
  return first.startsWith('--run-dir=') ? ipvsadmWords(words) : undefined;
}

/** A director without a configuration has no daemon: nothing is wrong with systemd. */
const hasConfiguration = (): boolean =>
  ['ha.cf', 'ldirectord.cf'].some((name) => existsSync(`${defaultPaths.configDir}/${name}`));

/** Where the message names no command itself: the help of the one that was typed. */
function nextOfCommand(message: string): string | undefined {
  if (/\b(hactl [a-z]|systemctl )/.test(message)) return undefined;
  const typed = program.commands.find((command) => process.argv.slice(2).includes(command.name()));
  return `hactl ${typed ? `${typed.name()} ` : ''}--help`;
}

// `hactl events | head`: whoever read has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  const words = ipvsadmWords(process.argv.slice(2));
  // Loaded only here: other commands need no netlink.
  if (words) result = await (await import('./compat/ipvsadm/run.ts')).ipvsadm(words);
  else await program.parseAsync();
  process.exitCode = result;
} catch (error) {
  if (error instanceof ControlError) {
    const next =
      error.code === 'no-daemon' && !hasConfiguration() ? 'hactl init' : nextStep(error.code, error.message);
    process.stderr.write(
      `hactl: ${shownText(error.message)}\n${next === undefined ? '' : `next: ${next}\n`}`,
    );
    process.exitCode = ['no-daemon', 'no-permission', 'timeout', 'closed'].includes(error.code)
      ? exit.noDaemon
      : exit.failed;
  } else if (error instanceof CliError) {
    const next = error.next ?? nextOfCommand(error.message);
    process.stderr.write(
      `hactl: ${shownText(error.message)}\n${next === undefined ? '' : `next: ${shownText(next)}\n`}`,
    );
    process.exitCode = error.status;
  } else if (!(error instanceof Error && 'exitCode' in error)) throw error;
}
