/** Commands for real servers: drain, undrain, weight, maintenance, and the list that completions offer. */
import type {Command} from 'commander';
import {REALS_COMMAND} from '../completion.ts';
import type {Cli} from './cli.ts';

const orders = () => import('../commands/order.ts');
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

/** Adds them to the program. */
export function addRealServers(cli: Cli): void {
  const {program} = cli;

  for (const [kind, text] of [
    ['drain', 'give real servers no new connections; existing ones continue (weight 0)'],
    ['undrain', 'end a drain'],
  ] as const)
    ordering(program.command(kind).description(text).argument('<reals...>', REALS)).action(
      async (reals: string[], options: OrderOptions) =>
        cli.run((await orders()).order(cli.socket(), {action: kind, reals}, options)),
    );

  ordering(
    program
      .command('weight')
      .description('override the configured weight of a real server')
      .argument('<real>', REALS)
      .argument('<weight>', '0 to 65535, or reset'),
  ).action(async (real: string, weight: string, options: OrderOptions) =>
    cli.run(
      (await orders()).order(
        cli.socket(),
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
    ['off', 'return them to their checks'],
  ] as const)
    ordering(maintained.command(word).description(text).argument('<reals...>', REALS)).action(
      async (reals: string[], options: OrderOptions) =>
        cli.run((await orders()).order(cli.socket(), {action: `maintenance-${word}`, reals}, options)),
    );
  maintained
    .command('list')
    .description('list the overrides of real servers and maintenance by files in maintenancedir')
    .option('--json', 'the list as JSON')
    .action(async (options: {json?: boolean}) =>
      cli.run((await orders()).listMaintenance(cli.socket(), options)),
    );

  program
    .command(REALS_COMMAND, {hidden: true})
    .action(async () => cli.run((await orders()).printReals(cli.socket())));
}
