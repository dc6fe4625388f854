/** Commands for machines: doctor, realserver, support-bundle. */
import type {DoctorOptions} from '../commands/doctor.ts';
import {addRealserver} from '../commands/realserver.ts';
import type {BundleOptions} from '../commands/support-bundle.ts';
import {defaultPaths} from '../../system/paths.ts';
import type {Cli} from './cli.ts';

/** Adds them to the program. */
export function addHost(cli: Cli): void {
  const {program} = cli;

  program
    .command('doctor')
    .description('is this machine fit to be the director of its files: forwarding, firewall, rivals, slips')
    .option('--config-dir <dir>', 'the files that it is judged by', defaultPaths.configDir)
    .option('--node <name>', 'judge as on this node (default: uname -n)')
    .option('--json', 'the findings as JSON')
    .action(async (options: DoctorOptions) =>
      cli.run((await import('../commands/doctor.ts')).doctor(cli.socket(), options)),
    );

  addRealserver(program, cli.run);

  program
    .command('support-bundle')
    .description(
      'pack status, configuration, logs and kernel tables into one file, without keys and passwords',
    )
    .option('--out <file>', 'what it is called (default: hactl-support-NODE-TIME.tar.gz here)')
    .option(
      '--config-dir <dir>',
      'where the files are, when there is no daemon to say so',
      defaultPaths.configDir,
    )
    .option('--state-dir <dir>', 'where the daemon keeps its state', defaultPaths.stateDir)
    .option('--json', 'what is in it as JSON')
    .action(async (options: BundleOptions) =>
      cli.run((await import('../commands/support-bundle.ts')).supportBundle(cli.socket(), options)),
    );
}
