#!/usr/bin/env node
/** The operator's command. Everything that it knows of the running director it asks over the control socket. */
import {Argument, Command, Option} from 'commander';
import {exit, exitMeanings, CliError} from './cli/exit.ts';
import {manualPage, pages, type Page} from './cli/commands/manual.ts';
import {checkConfig} from './cli/commands/check-config.ts';
import {importFile} from './cli/commands/import.ts';
import {listMaintenance, order, printReals} from './cli/commands/order.ts';
import {move} from './cli/commands/move.ts';
import {reload} from './cli/commands/reload.ts';
import {status} from './cli/commands/status.ts';
import {supportBundle} from './cli/commands/support-bundle.ts';
import {resync, syncStatus} from './cli/commands/sync.ts';
import {treeOf} from './cli/command-tree.ts';
import {completionFor, REALS_COMMAND, shells, type Shell} from './cli/completion.ts';
import {ControlError} from './control/client.ts';
import {ABOUT, controlSocket, defaultPaths, VERSION} from './paths.ts';

const program = new Command('hactl')
  .description(ABOUT)
  .version(VERSION)
  .option('--run-dir <dir>', 'where the daemon has its control socket', defaultPaths.runDir)
  .showHelpAfterError()
  .configureHelp({helpWidth: Math.min(process.stdout.columns ?? 80, 100)});

const socket = (): string => controlSocket(program.opts<{runDir: string}>().runDir);

let result: number = exit.ok;
const set = async (work: Promise<number>): Promise<void> => {
  result = await work;
};

program
  .command('status')
  .description('roles, addresses, peers, virtual services, checks, sync, processes, last transitions')
  .option('--json', 'the whole snapshot as JSON')
  .action((options: {json?: boolean}) => set(status(socket(), options)));

program
  .command('check-config')
  .description('read configuration files and say everything that is wrong with them')
  .argument('[files...]', 'files, or one directory (default: the configuration directory)')
  .option(
    '--config-dir <dir>',
    'where ha.cf, haresources, authkeys and ldirectord.cf are',
    defaultPaths.configDir,
  )
  .option('--strict', 'judge as the original programs do; do not repair')
  .option('--fix', 'write the repaired files (the old ones are kept as FILE.orig)')
  .option('--node <name>', 'judge as on this node (default: uname -n)')
  .option('--json', 'diagnostics as JSON')
  .action((files: string[], options: Parameters<typeof checkConfig>[1]) => set(checkConfig(files, options)));

program
  .command('import')
  .description("write a configuration of Piranha, keepalived or ipvsadm-save as hactl's files")
  .argument('<file>', 'lvs.cf, keepalived.conf, or the output of ipvsadm-save; told by its content')
  .option('--out <dir>', 'where the files are written', 'ha.d')
  .addOption(new Option('--from <kind>', 'do not guess').choices(['lvs.cf', 'keepalived', 'ipvsadm']))
  .option('--node <name>', 'this director (default: uname -n)')
  .option('--peer <name>', 'the other director, as uname -n prints it there')
  .addOption(
    new Option('--as <role>', 'lvs.cf: which director this is (default: told by the addresses)').choices([
      'primary',
      'backup',
    ]),
  )
  .option('--config-id <id>', "keepalived's -i: which @lines count (default: uname -n up to the first dot)")
  .option(
    '--install-dir <dir>',
    'where the files will be used: scripts are named by it',
    defaultPaths.configDir,
  )
  .option('--force', 'overwrite files that are there')
  .option('--json', 'the list and the diagnostics as JSON')
  .action((file: string, options: Parameters<typeof importFile>[1]) => set(importFile(file, options)));

program
  .command('reload')
  .description('read the files again; a broken file changes nothing')
  .option('--json', 'the outcome as JSON')
  .action((options: {json?: boolean}) => set(reload(socket(), options)));

const sync = program
  .command('sync')
  .description('connections here and at the peer, what is missing, lag and loss')
  .option('--json', 'the report as JSON')
  .action((options: {json?: boolean}) => set(syncStatus(socket(), options)));

sync
  .command('resync')
  .description("take the peer's whole table in again, and wait until it is here")
  .action(() => set(resync(socket())));

const scope = (): Argument =>
  new Argument('[scope]', 'local: groups that prefer this node; foreign: the others')
    .choices(['local', 'foreign', 'all'])
    .default('all');

for (const [kind, text] of [
  ['standby', "give this director's groups to the peer, and wait until it has them"],
  ['takeover', "take the peer's groups, and wait until they are here"],
  ['failback', 'bring every group to the node that haresources prefers'],
] as const)
  program
    .command(kind)
    .description(text)
    .addArgument(scope())
    .option('--json', 'the outcome as JSON')
    .action((where: 'local' | 'foreign' | 'all', options: {json?: boolean}) =>
      set(move(socket(), kind, where, options)),
    );

const REALS = 'address or host name, with or without port';
interface OrderOptions {
  readonly virtual?: string;
  readonly reason?: string;
  readonly json?: boolean;
}
const ordering = (command: Command): Command =>
  command
    .option('--virtual <name>', 'only in this virtual service: address[:port], mark or servicename')
    .option('--reason <text>', 'why: shown in the status')
    .option('--json', 'the outcome as JSON');

for (const [kind, text] of [
  ['drain', 'give real servers no new connections; those they have live on (weight 0)'],
  ['undrain', 'take a drain back'],
] as const)
  ordering(program.command(kind).description(text).argument('<reals...>', REALS)).action(
    (reals: string[], options: OrderOptions) => set(order(socket(), {action: kind, reals}, options)),
  );

ordering(
  program
    .command('weight')
    .description('give a real server another weight than the configured one')
    .argument('<real>', REALS)
    .argument('<weight>', '0 to 65535, or reset'),
).action((real: string, weight: string, options: OrderOptions) =>
  set(
    order(
      socket(),
      weight === 'reset'
        ? {action: 'weight-reset', reals: [real]}
        : {action: 'weight', reals: [real], weight: Number(weight)},
      options,
    ),
  ),
);

const maintained = program
  .command('maintenance')
  .description('take real servers out of service as if they were down, and list them');
for (const [word, text] of [
  ['on', 'take them out of service, whatever their checks say'],
  ['off', 'let their checks decide again'],
] as const)
  ordering(maintained.command(word).description(text).argument('<reals...>', REALS)).action(
    (reals: string[], options: OrderOptions) =>
      set(order(socket(), {action: `maintenance-${word}`, reals}, options)),
  );
maintained
  .command('list')
  .description('reals that orders and files in maintenancedir keep from their normal service')
  .option('--json', 'the list as JSON')
  .action((options: {json?: boolean}) => set(listMaintenance(socket(), options)));

program
  .command('support-bundle')
  .description('pack status, configuration, logs and kernel tables into one file, without keys and passwords')
  .option('--out <file>', 'what it is called (default: hactl-support-NODE-TIME.tar.gz here)')
  .option(
    '--config-dir <dir>',
    'where the files are, when there is no daemon to say so',
    defaultPaths.configDir,
  )
  .option('--state-dir <dir>', 'where the daemon keeps its state', defaultPaths.stateDir)
  .option('--json', 'what is in it as JSON')
  .action((options: Parameters<typeof supportBundle>[1]) => set(supportBundle(socket(), options)));

program
  .command('completion')
  .description('print a script that completes hactl in your shell')
  .addArgument(new Argument('<shell>', 'which shell').choices(shells))
  .addHelpText('after', '\nbash: source <(hactl completion bash)')
  .action((shell: Shell) => {
    process.stdout.write(completionFor(shell, treeOf(program)));
  });

program
  .command('manual', {hidden: true})
  .addArgument(new Argument('<page>').choices(pages))
  .action(async (page: Page) => {
    process.stdout.write(await manualPage(page, treeOf(program)));
  });

program.command(REALS_COMMAND, {hidden: true}).action(() => set(printReals(socket())));

// For the list of commands only: what stands behind it is ipvsadm's, `-h` and `--` included, and never seen by commander.
program
  .command('ipvsadm')
  .description("the kernel's table with ipvsadm's own command line and output (needs root)")
  .argument('[words...]', 'as for ipvsadm 1.31')
  .helpOption(false);

program.addHelpText(
  'after',
  `\nExit status: ${exitMeanings.map(([status, text]) => `${status} ${text}`).join('; ')}.`,
);
program.exitOverride((error) => {
  process.exitCode = error.exitCode === 0 ? exit.ok : exit.config;
  throw error;
});

/** What stands behind `ipvsadm`, where that is the command; in front of it only `--run-dir`, which means nothing to it. */
function ipvsadmWords([first = '', ...words]: readonly string[]): readonly string[] | undefined {
  if (first === 'ipvsadm') return words;
  if (first === '--run-dir') return ipvsadmWords(words.slice(1));
  return first.startsWith('--run-dir=') ? ipvsadmWords(words) : undefined;
}

try {
  const words = ipvsadmWords(process.argv.slice(2));
  // Loaded only here: other commands need no netlink.
  if (words) result = await (await import('./cli/ipvsadm/run.ts')).ipvsadm(words);
  else await program.parseAsync();
  process.exitCode = result;
} catch (error) {
  if (error instanceof ControlError) {
    process.stderr.write(`hactl: ${error.message}\n`);
    process.exitCode = ['no-daemon', 'no-permission', 'timeout', 'closed'].includes(error.code)
      ? exit.noDaemon
      : exit.failed;
  } else if (error instanceof CliError) {
    process.stderr.write(`hactl: ${error.message}\n`);
    process.exitCode = error.status;
  } else if (!(error instanceof Error && 'exitCode' in error)) throw error;
}
