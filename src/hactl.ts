#!/usr/bin/env node
/** The operator's command. It queries the running director over the control socket. */
import {existsSync} from 'node:fs';
import {exit, CliError} from './cli/exit.ts';
import {nextStep} from './cli/next-step.ts';
import {makeProgram} from './cli/program.ts';
import {shownText} from './cli/render/shown.ts';
import {ControlError} from './control/client.ts';
import {defaultPaths} from './system/paths.ts';

let result: number = exit.ok;
const program = makeProgram((status) => (result = status));

/** The arguments after `ipvsadm`, if that is the command; before it only `--run-dir` may appear, which it ignores. */
function ipvsadmWords([first = '', ...words]: readonly string[]): readonly string[] | undefined {
  if (first === 'ipvsadm') return words;
  if (first === '--run-dir') return ipvsadmWords(words.slice(1));
  return first.startsWith('--run-dir=') ? ipvsadmWords(words) : undefined;
}

/** A director without a configuration has no daemon: systemd is not to blame. */
const hasConfiguration = (): boolean =>
  ['ha.cf', 'ldirectord.cf'].some((name) => existsSync(`${defaultPaths.configDir}/${name}`));

/** If the message names no command: the help of the one typed. */
function nextOfCommand(message: string): string | undefined {
  if (/\b(hactl [a-z]|systemctl )/.test(message)) return undefined;
  const typed = program.commands.find((command) => process.argv.slice(2).includes(command.name()));
  return `hactl ${typed ? `${typed.name()} ` : ''}--help`;
}

// `hactl events | head`: the reader has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  const words = ipvsadmWords(process.argv.slice(2));
  // Loaded only here: other commands do not need netlink.
  if (words) result = await (await import('./compat/ipvsadm/run.ts')).ipvsadm(words);
  else await program.parseAsync();
  process.exitCode = result;
} catch (error) {
  if (error instanceof ControlError) {
    const next =
      error.code === 'no-daemon' && !hasConfiguration() ? 'hactl init' : nextStep(error.code, error.message);
    process.stderr.write(
      `hactl: ${shownText(error.message)}\n${next === undefined ? '' : `next: ${shownText(next)}\n`}`,
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
