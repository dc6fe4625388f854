/** What hactld prints of its command line: the help, the version, or what is wrong with it. */
import {Command, CommanderError, Option} from 'commander';
import {DAEMON_TEXT, daemonOptions, formOf} from '../system/daemon-options.ts';
import {VERSION} from '../system/paths.ts';

/** Prints it. `problem`: why Node's parser refused it. False: the command line is wrong. */
export function explainCommandLine(problem: unknown): boolean {
  const program = new Command('hactld')
    .description(`${DAEMON_TEXT} See docs/hactl.md.`)
    .version(VERSION)
    .helpOption('--help', 'print this')
    .allowExcessArguments(false)
    .showHelpAfterError()
    .exitOverride();
  for (const option of daemonOptions) {
    const made = new Option(formOf(option).replace(/ (\S+)$/, ' <$1>'), option.text);
    program.addOption(option.choices === undefined ? made : made.choices(option.choices));
  }
  try {
    program.parse();
  } catch (error) {
    return error instanceof CommanderError && error.exitCode === 0;
  }
  // Node's parser accepts less, such as no value that begins with a dash: it is the one that the supervisor uses.
  process.stderr.write(`error: ${problem instanceof Error ? problem.message : String(problem)}\n\n`);
  program.outputHelp({error: true});
  return false;
}
