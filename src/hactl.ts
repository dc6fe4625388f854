#!/usr/bin/env node
/** The operator's command. Everything that it knows of the running director it asks over the control socket. */
import {Argument, Command, Option} from 'commander';
import {exit, exitMeanings, CliError} from './cli/exit.ts';
import {manualPage, pages, type Page} from './cli/commands/manual.ts';
import type {CheckConfigOptions} from './cli/commands/check-config.ts';
import type {DoctorOptions} from './cli/commands/doctor.ts';
import type {EventsOptions} from './cli/commands/events.ts';
import type {ImportOptions} from './cli/commands/import.ts';
import type {PushOptions} from './cli/commands/push.ts';
import {addRealserver} from './cli/commands/realserver.ts';
import type {BundleOptions} from './cli/commands/support-bundle.ts';
import type {WatchOptions} from './cli/commands/watch.ts';
import type {WhyOptions} from './cli/commands/why.ts';
import {ControlError} from './control/client.ts';
import {eventKinds} from './control/events.ts';
import {shownText} from './cli/render/shown.ts';
import {treeOf} from './cli/command-tree.ts';
import {completionFor, REALS_COMMAND, shells, type Shell} from './cli/completion.ts';
import {ABOUT, controlSocket, defaultPaths, VERSION} from './system/paths.ts';

const program = new Command('hactl')
  .description(ABOUT)
  .version(VERSION)
  .option('--run-dir <dir>', 'where the daemon has its control socket', defaultPaths.runDir)
  .showHelpAfterError()
  .configureHelp({helpWidth: Math.min(process.stdout.columns ?? 80, 100)});

const socket = (): string => controlSocket(program.opts<{runDir: string}>().runDir);

// The module of a command is loaded when it runs: `hactl status` needs no parser of configuration files and no netlink.
const configuration = () => import('./cli/commands/config.ts');
const orders = () => import('./cli/commands/order.ts');
const resources = () => import('./cli/commands/resource.ts');
const connectionSync = () => import('./cli/commands/sync.ts');

let result: number = exit.ok;
const set = async (work: Promise<number>): Promise<void> => {
  result = await work;
};

program
  .command('status')
  .description('roles, addresses, peers, virtual services, checks, sync, processes, last transitions')
  .option('--json', 'the whole snapshot as JSON')
  .action(async (options: {json?: boolean}) =>
    set((await import('./cli/commands/status.ts')).status(socket(), options)),
  );

program
  .command('events')
  .description('what happened, from the journal: the newest 50, or all --since a time')
  .option('--since <time>', '90s, 10m, 2h, 1d back, 14:05, or "2026-11-21 14:05" (UTC)')
  .option('--kind <kinds>', `of these kinds only: ${Object.keys(eventKinds).join(', ')}`)
  .option('--subject <text>', 'where the subject or the text has this in it')
  .option('-n, --lines <number>', 'the newest so many')
  .option('-f, --follow', 'and those that come, until Ctrl-C')
  .option('--json', 'each event as one line of JSON')
  .action(async (options: EventsOptions) =>
    set((await import('./cli/commands/events.ts')).events(socket(), options)),
  );

program
  .command('why')
  .description('the story of the last change of role: what each director heard and decided, and when')
  .option('--before <time>', 'the last one before a time: 10m, 2h back, 14:05, or "2026-11-21 14:05" (UTC)')
  .option('--json', 'the story as JSON')
  .action(async (options: WhyOptions) => set((await import('./cli/commands/why.ts')).why(socket(), options)));

program
  .command('watch')
  .description('roles, adverts, reals and events, drawn anew each second; q or Ctrl-C ends')
  .option('--count <frames>', 'end after so many')
  .action(async (options: WatchOptions) =>
    set((await import('./cli/commands/watch.ts')).watch(socket(), options)),
  );

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
  .option(
    '--elsewhere',
    'judge for another machine: ask this one for no routes, programs, users or permissions',
  )
  .option('--json', 'diagnostics as JSON')
  .action(async (files: string[], options: CheckConfigOptions) =>
    set((await import('./cli/commands/check-config.ts')).checkConfig(files, options)),
  );

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
    '--peer-file <file>',
    "the other director's keepalived.conf: what the pair has in common is computed from both",
  )
  .option(
    '--install-dir <dir>',
    'where the files will be used: scripts are named by it',
    defaultPaths.configDir,
  )
  .option('--force', 'overwrite files that are there')
  .option('--json', 'the list and the diagnostics as JSON')
  .action(async (file: string, options: ImportOptions) =>
    set((await import('./cli/commands/import.ts')).importFile(file, options)),
  );

program
  .command('plan')
  .description('what a reload would change, directive by directive; changes nothing')
  .option('--json', 'the plan as JSON')
  .action(async (options: {json?: boolean}) =>
    set((await import('./cli/commands/plan.ts')).plan(socket(), options)),
  );

program
  .command('reload')
  .description('show what changes and read the files again; a broken file changes nothing')
  .option('--json', 'the outcome as JSON')
  .action(async (options: {json?: boolean}) =>
    set((await import('./cli/commands/reload.ts')).reload(socket(), options)),
  );

program
  .command('push')
  .description("send this director's files to its peer: both take them into use, or neither")
  .option('--dry-run', 'let the peer judge them, and change nothing')
  .option('--keys', 'authkeys too')
  .option('--json', 'the outcome as JSON')
  .action(async (options: PushOptions) =>
    set((await import('./cli/commands/push.ts')).push(socket(), options)),
  );

const config = program.command('config').description('the last ten versions of the configuration');

config
  .command('history')
  .description('the versions that were in use, and what was pushed')
  .option('--json', 'as JSON')
  .action(async (options: {json?: boolean}) => set((await configuration()).history(socket(), options)));

config
  .command('diff')
  .description('version A (the one in use) to version B (what is on the disk); secrets are not shown')
  .argument('[a]')
  .argument('[b]')
  .option('--peer', 'what is in use here and at the peer, directive by directive')
  .option('--json', 'as JSON')
  .action(async (a: string | undefined, b: string | undefined, options: {json?: boolean; peer?: boolean}) =>
    set((await configuration()).diff(socket(), [a, b], options)),
  );

config
  .command('rollback')
  .description('write the files of a version back and take them into use')
  .argument('<version>')
  .option('--json', 'as JSON')
  .action(async (version: string, options: {json?: boolean}) =>
    set((await configuration()).rollback(socket(), version, options)),
  );

const sync = program
  .command('sync')
  .description('connections here and at the peer, what is missing, lag and loss')
  .option('--json', 'the report as JSON')
  .action(async (options: {json?: boolean}) => set((await connectionSync()).syncStatus(socket(), options)));

sync
  .command('resync')
  .description("take the peer's whole table in again, and wait until it is here")
  .action(async () => set((await connectionSync()).resync(socket())));

const resource = program
  .command('resource')
  .description('what haresources names: list, status, and start or stop one by hand (docs/resources.md)');

resource
  .command('list', {isDefault: true})
  .description('every resource with its state here; exit status 1: one of them failed')
  .option('--json', 'the list as JSON')
  .action(async (options: {json?: boolean}) => set((await resources()).listResources(socket(), options)));

for (const [action, text] of [
  ['status', 'asks the resource itself; exit status 1: it does not run'],
  ['start', 'starts one where its group is (a warm one anywhere)'],
  ['stop', 'stops one; it is left alone until it is started, or its group comes anew'],
] as const)
  resource
    .command(action)
    .description(text)
    .argument(
      action === 'status' ? '[name]' : '<name>',
      'as in haresources, or its first word where that is one only',
    )
    .option('--json', 'the outcome as JSON')
    .action(async (name: string | undefined, options: {json?: boolean}) =>
      set(
        name === undefined
          ? (await resources()).listResources(socket(), options)
          : (await resources()).operateResource(socket(), action, name, options),
      ),
    );

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
    .action(async (where: 'local' | 'foreign' | 'all', options: {json?: boolean}) =>
      set((await import('./cli/commands/move.ts')).move(socket(), kind, where, options)),
    );

program
  .command('drill')
  .description('a planned move to the peer and back, on the running pair: what each cost')
  .option('--json', 'the outcome as JSON')
  .action(async (options: {json?: boolean}) =>
    set((await import('./cli/commands/drill.ts')).drill(socket(), options)),
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
    async (reals: string[], options: OrderOptions) =>
      set((await orders()).order(socket(), {action: kind, reals}, options)),
  );

ordering(
  program
    .command('weight')
    .description('give a real server another weight than the configured one')
    .argument('<real>', REALS)
    .argument('<weight>', '0 to 65535, or reset'),
).action(async (real: string, weight: string, options: OrderOptions) =>
  set(
    (await orders()).order(
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
    async (reals: string[], options: OrderOptions) =>
      set((await orders()).order(socket(), {action: `maintenance-${word}`, reals}, options)),
  );
maintained
  .command('list')
  .description('reals that orders and files in maintenancedir keep from their normal service')
  .option('--json', 'the list as JSON')
  .action(async (options: {json?: boolean}) => set((await orders()).listMaintenance(socket(), options)));

program
  .command('doctor')
  .description('is this machine fit to be the director of its files: forwarding, firewall, rivals, slips')
  .option('--config-dir <dir>', 'the files that it is judged by', defaultPaths.configDir)
  .option('--node <name>', 'judge as on this node (default: uname -n)')
  .option('--json', 'the findings as JSON')
  .action(async (options: DoctorOptions) =>
    set((await import('./cli/commands/doctor.ts')).doctor(socket(), options)),
  );

addRealserver(program, set);

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
  .action(async (options: BundleOptions) =>
    set((await import('./cli/commands/support-bundle.ts')).supportBundle(socket(), options)),
  );

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

program.command(REALS_COMMAND, {hidden: true}).action(async () => set((await orders()).printReals(socket())));

// For the list of commands only: what stands behind it is ipvsadm's, `-h` and `--` included, and never seen by commander.
program
  .command('ipvsadm')
  .description("the kernel's table with ipvsadm's own command line and output (needs root)")
  .argument('[words...]', 'as for ipvsadm 1.31')
  .helpOption(false);

program.addHelpText(
  'after',
  `\nExit status:\n${exitMeanings.map(([status, text]) => `  ${status}  ${text}`).join('\n')}`,
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
    process.stderr.write(`hactl: ${shownText(error.message)}\n`);
    process.exitCode = ['no-daemon', 'no-permission', 'timeout', 'closed'].includes(error.code)
      ? exit.noDaemon
      : exit.failed;
  } else if (error instanceof CliError) {
    process.stderr.write(`hactl: ${shownText(error.message)}\n`);
    process.exitCode = error.status;
  } else if (!(error instanceof Error && 'exitCode' in error)) throw error;
}
