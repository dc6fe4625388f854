/** Commands for the pair: sync, resource, standby, takeover, failback, drill. */
import {Argument} from 'commander';
import type {Cli} from './cli.ts';

const resources = () => import('../commands/resource.ts');
const connectionSync = () => import('../commands/sync.ts');

/** Adds them to the program. */
export function addPair(cli: Cli): void {
  const {program} = cli;

  const sync = program
    .command('sync')
    .description('connections here and at the peer, what is missing, lag and loss')
    .option('--json', 'the report as JSON')
    .action(async (options: {json?: boolean}) =>
      cli.run((await connectionSync()).syncStatus(cli.socket(), options)),
    );

  sync
    .command('resync')
    .description("transfer the peer's whole table again, and wait for completion")
    .action(async () => cli.run((await connectionSync()).resync(cli.socket())));

  const resource = program
    .command('resource')
    .description('resources of haresources: list, status, manual start and stop (docs/resources.md)');

  resource
    .command('list', {isDefault: true})
    .description('list every resource with its state here; exit status 1: one of them failed')
    .option('--json', 'the list as JSON')
    .action(async (options: {json?: boolean}) =>
      cli.run((await resources()).listResources(cli.socket(), options)),
    );

  for (const [action, text] of [
    ['status', 'query the resource itself; exit status 1: it does not run'],
    ['start', 'start a resource where its group is (a warm one anywhere)'],
    ['stop', 'stop a resource; it stays stopped until it is started, or its group returns'],
  ] as const)
    resource
      .command(action)
      .description(text)
      .argument(
        action === 'status' ? '[name]' : '<name>',
        'as in haresources, or its first word if unambiguous',
      )
      .option('--json', 'the outcome as JSON')
      .action(async (name: string | undefined, options: {json?: boolean}) =>
        cli.run(
          name === undefined
            ? (await resources()).listResources(cli.socket(), options)
            : (await resources()).operateResource(cli.socket(), action, name, options),
        ),
      );

  const scope = (): Argument =>
    new Argument('[scope]', 'local: groups that prefer this node; foreign: the others')
      .choices(['local', 'foreign', 'all'])
      .default('all');

  for (const [kind, text] of [
    ['standby', "give this director's groups to the peer, and wait for completion"],
    ['takeover', "take the peer's groups, and wait for completion"],
    ['failback', 'bring every group to the node that haresources prefers'],
  ] as const)
    program
      .command(kind)
      .description(text)
      .addArgument(scope())
      .option('--json', 'the outcome as JSON')
      .action(async (where: 'local' | 'foreign' | 'all', options: {json?: boolean}) =>
        cli.run((await import('../commands/move.ts')).move(cli.socket(), kind, where, options)),
      );

  const drills = () => import('../commands/drill.ts');
  const drill = program
    .command('drill')
    .description('drills on the running pair: only safe ones, on a healthy pair, after a confirmation');

  drill
    .command('run', {isDefault: true})
    .description(
      'run a drill and report its cost; exit status 1: not healthy, nothing done, or a step failed',
    )
    .argument('[name]', 'see hactl drill list', 'standby')
    .option('--yes', 'do not ask for confirmation')
    .option('--json', 'the outcome as JSON')
    .action(async (name: string, options: {json?: boolean; yes?: boolean}) =>
      cli.run((await drills()).runDrill(cli.socket(), name, options)),
    );

  drill
    .command('list')
    .description('list the drills that are safe on a running pair')
    .option('--json', 'the list as JSON')
    .action(async (options: {json?: boolean}) => cli.run((await drills()).listDrills(options)));

  drill
    .command('report')
    .description('list the saved reports; with a name, or last, print one')
    .argument('[name]', 'as listed, or last')
    .option('--json', 'the list, or the report, as JSON')
    .action(async (name: string | undefined, options: {json?: boolean}) =>
      cli.run((await drills()).showReport(name, options)),
    );
}
