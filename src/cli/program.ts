/** The command tree of hactl. A command's module is loaded when it runs: `hactl status` needs neither parser nor netlink. */
import {Argument, Command} from 'commander';
import {ABOUT, controlSocket, defaultPaths, VERSION} from '../system/paths.ts';
import {treeOf} from './command-tree.ts';
import {manualPage, pages, type Page} from './commands/manual.ts';
import {completionFor, shells, type Shell} from './completion.ts';
import {exitMeanings} from './exit.ts';
import type {Cli} from './program/cli.ts';
import {addConfiguration} from './program/configuration.ts';
import {addHost} from './program/host.ts';
import {addLook} from './program/look.ts';
import {addPair} from './program/pair.ts';
import {addRealServers} from './program/real-servers.ts';
import {addSetup} from './program/setup.ts';

/** The whole tree; `done` is called with the exit status of the command that ran. */
export function makeProgram(done: (status: number) => void): Command {
  const program = new Command('hactl')
    .description(ABOUT)
    .version(VERSION)
    .option('--run-dir <dir>', 'where the daemon has its control socket', defaultPaths.runDir)
    .showHelpAfterError()
    .configureHelp({helpWidth: Math.min(process.stdout.columns ?? 80, 100)});
  const cli: Cli = {
    program,
    socket: () => controlSocket(program.opts<{runDir: string}>().runDir),
    run: async (work) => done(await work),
  };
  addSetup(cli);
  addLook(cli);
  addConfiguration(cli);
  addPair(cli);
  addRealServers(cli);
  addHost(cli);
  addOwn(program, done);
  program.addHelpText(
    'after',
    `\nExit status:\n${exitMeanings.map(([status, text]) => `  ${status}  ${text}`).join('\n')}`,
  );
  // Thrown instead of ending the process: main.ts returns its exit status.
  program.exitOverride();
  return program;
}

/** Commands about hactl itself. */
function addOwn(program: Command, done: (status: number) => void): void {
  program
    .command('completion')
    .description('print a script that completes hactl in your shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .addHelpText('after', '\nbash: source <(hactl completion bash)')
    .action((shell: Shell) => {
      process.stdout.write(completionFor(shell, treeOf(program)));
    });

  program
    .command('console')
    .description(
      'the web console: its address, fingerprint and users; link, fingerprint, token (docs/console.md)',
    )
    .argument('[words...]', 'as for hactl-console')
    .helpOption(false)
    .allowUnknownOption()
    .action(async (words: readonly string[]) =>
      done((await import('./commands/console.ts')).runConsoleProgram(words)),
    );

  program
    .command('manual', {hidden: true})
    .addArgument(new Argument('<page>').choices(pages))
    .action(async (page: Page) => {
      process.stdout.write(await manualPage(page, treeOf(program)));
    });

  // For the command list only: its arguments are ipvsadm's, `-h` and `--` included, and commander never sees them.
  program
    .command('ipvsadm')
    .description("the kernel's table with ipvsadm's own command line and output (needs root)")
    .argument('[words...]', 'as for ipvsadm 1.31')
    .helpOption(false);
}
