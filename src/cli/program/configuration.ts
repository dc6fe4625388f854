/** Commands for the configuration: check-config, import, plan, reload, push, config. */
import {Option} from 'commander';
import type {CheckConfigOptions} from '../commands/check-config.ts';
import type {ImportOptions} from '../commands/import.ts';
import type {PushOptions} from '../commands/push.ts';
import {defaultPaths} from '../../system/paths.ts';
import type {Cli} from './cli.ts';

const configuration = () => import('../commands/config.ts');

/** Adds them to the program. */
export function addConfiguration(cli: Cli): void {
  const {program} = cli;

  program
    .command('check-config')
    .description('check configuration files and report every problem')
    .argument('[files...]', 'files, or one directory (default: the configuration directory)')
    .option(
      '--config-dir <dir>',
      'where ha.cf, haresources, authkeys and ldirectord.cf are',
      defaultPaths.configDir,
    )
    .option('--strict', 'validate as the original programs do; do not repair')
    .option('--fix', 'write the repaired files (the old ones are kept as FILE.orig)')
    .option('--node <name>', 'validate as on this node (default: uname -n)')
    .option(
      '--elsewhere',
      'validate for another machine: do not check routes, programs, users or permissions here',
    )
    .option('--json', 'diagnostics as JSON')
    .action(async (files: string[], options: CheckConfigOptions) =>
      cli.run((await import('../commands/check-config.ts')).checkConfig(files, options)),
    );

  program
    .command('import')
    .description("convert a configuration of Piranha, keepalived or ipvsadm-save to hactl's files")
    .argument('<file>', 'lvs.cf, keepalived.conf, or the output of ipvsadm-save; detected from its content')
    .option('--out <dir>', 'output directory', 'ha.d')
    .addOption(new Option('--from <kind>', 'kind of file').choices(['lvs.cf', 'keepalived', 'ipvsadm']))
    .option('--node <name>', 'this director (default: uname -n)')
    .option('--peer <name>', 'the other director, as uname -n prints it there')
    .addOption(
      new Option(
        '--as <role>',
        'lvs.cf: which director this is (default: detected from the addresses)',
      ).choices(['primary', 'backup']),
    )
    .option(
      '--config-id <id>',
      "keepalived's -i: selects the @lines (default: the node's name up to the first dot)",
    )
    .option(
      '--peer-file <file>',
      "the other director's keepalived.conf: common settings are computed from both",
    )
    .option(
      '--install-dir <dir>',
      'where the files will be used: paths of scripts start with it',
      defaultPaths.configDir,
    )
    .option('--force', 'overwrite existing files')
    .option('--json', 'report and diagnostics as JSON')
    .action(async (file: string, options: ImportOptions) =>
      cli.run((await import('../commands/import.ts')).importFile(file, options)),
    );

  program
    .command('plan')
    .description('what a reload would change, directive by directive; changes nothing')
    .option('--json', 'the plan as JSON')
    .action(async (options: {json?: boolean}) =>
      cli.run((await import('../commands/plan.ts')).plan(cli.socket(), options)),
    );

  program
    .command('reload')
    .description('show what changes and read the files again; a broken file changes nothing')
    .option('--json', 'the outcome as JSON')
    .action(async (options: {json?: boolean}) =>
      cli.run((await import('../commands/reload.ts')).reload(cli.socket(), options)),
    );

  program
    .command('push')
    .description("send this director's files to its peer: both apply them, or neither")
    .option('--dry-run', 'let the peer validate them, and change nothing')
    .option('--keys', 'authkeys too')
    .option('--json', 'the outcome as JSON')
    .action(async (options: PushOptions) =>
      cli.run((await import('../commands/push.ts')).push(cli.socket(), options)),
    );

  const config = program.command('config').description('the last ten versions of the configuration');

  config
    .command('history')
    .description('the versions that were in use, and what was pushed')
    .option('--json', 'as JSON')
    .action(async (options: {json?: boolean}) =>
      cli.run((await configuration()).history(cli.socket(), options)),
    );

  config
    .command('diff')
    .description(
      'compare version A (default: in use) with version B (default: on disk); secrets are not shown',
    )
    .argument('[a]')
    .argument('[b]')
    .option('--peer', 'compare what is in use here and at the peer, directive by directive')
    .option('--json', 'as JSON')
    .action(async (a: string | undefined, b: string | undefined, options: {json?: boolean; peer?: boolean}) =>
      cli.run((await configuration()).diff(cli.socket(), [a, b], options)),
    );

  config
    .command('rollback')
    .description('restore the files of a version and apply them')
    .argument('<version>')
    .option('--json', 'as JSON')
    .action(async (version: string, options: {json?: boolean}) =>
      cli.run((await configuration()).rollback(cli.socket(), version, options)),
    );
}
