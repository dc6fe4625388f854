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
    .description(
      'check whether this machine can be the director of its files: forwarding, firewall, conflicting daemons, typos',
    )
    .option('--config-dir <dir>', 'the files to check against', defaultPaths.configDir)
    .option('--node <name>', 'validate as on this node (default: uname -n)')
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
    .option('--out <file>', 'output file (default: hactl-support-NODE-TIME.tar.gz here)')
    .option('--config-dir <dir>', 'where the files are, if no daemon runs', defaultPaths.configDir)
    .option('--state-dir <dir>', 'where the daemon keeps its state', defaultPaths.stateDir)
    .option('--json', 'what is in it as JSON')
    .action(async (options: BundleOptions) =>
      cli.run((await import('../commands/support-bundle.ts')).supportBundle(cli.socket(), options)),
    );
}
