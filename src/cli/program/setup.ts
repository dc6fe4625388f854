/** Commands that make a pair: init, invite, join. */
import {Option} from 'commander';
import type {InitOptions} from '../commands/init.ts';
import type {InviteCommandOptions} from '../commands/invite.ts';
import type {JoinOptions} from '../commands/join.ts';
import {defaultPaths} from '../../system/paths.ts';
import type {Cli} from './cli.ts';

const JOIN_PORT = '6945';
const each = (text: string, before: string[] = []): string[] => [...before, text];

/** Adds them to the program. */
export function addSetup(cli: Cli): void {
  const {program} = cli;
  const configDir = () =>
    new Option('--config-dir <dir>', 'where the files are written').default(defaultPaths.configDir);
  const port = () => new Option('--port <port>', 'TCP port of the invitation').default(JOIN_PORT);

  program
    .command('init')
    .description(
      'set this machine up as the first director: asks, writes the files, starts, invites the second one',
    )
    .option('--peer <name>', 'the second director, as uname -n prints it there')
    .option('--alone', 'a single director')
    .option('--vip <address>', 'ADDRESS, ADDRESS/24 or ADDRESS/24/eth0; may be given again', each)
    .option('--service <port>', 'PORT or PORT/udp; may be given again', each)
    .option('--server <address>', 'a real server: ADDRESS or ADDRESS:PORT; may be given again', each)
    .addOption(new Option('--method <method>', 'how packets are forwarded').choices(['gate', 'masq', 'ipip']))
    .option('--gateway <address>', 'masq: the moving address that is the default route of the real servers')
    .option('--device <interface>', 'heartbeats over it (default: chosen); may be given again', each)
    .option(
      '--from <file>',
      'take over keepalived.conf, lvs.cf, ipvsadm-save output, or a directory as /etc/ha.d',
    )
    .option('--node <name>', 'this director (default: uname -n)')
    .addOption(configDir())
    .option('--replace', 'put it in the place of a configuration that is there (FILE.orig is kept)')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'show and judge the files, and write nothing')
    .option('--no-start', 'do not start hactld')
    .option('--no-invite', 'do not wait for the second director')
    .addOption(port())
    .option(
      '--address <address>',
      'where the second director reaches this one (default: all addresses are shown)',
    )
    .action(async (options: InitOptions) => cli.run((await import('../commands/init.ts')).init(options)));

  program
    .command('invite')
    .description('print a token for the second director, good once and for ten minutes, and wait for it')
    .addOption(configDir())
    .option('--node <name>', 'this director (default: uname -n)')
    .addOption(port())
    .option('--address <address>', 'where the second director reaches this one')
    .action(async (options: InviteCommandOptions) =>
      cli.run((await import('../commands/invite.ts')).inviteFrom(options)),
    );

  program
    .command('join')
    .description(
      'set this machine up as the second director: takes the files and the key from the first one, starts',
    )
    .argument('<address>', 'the first director, where hactl init or hactl invite waits')
    .argument('[token]', 'as it is printed there')
    .option('--node <name>', 'this director (default: uname -n)')
    .addOption(configDir())
    .option('--replace', 'put the files in the place of a configuration that is there (FILE.orig is kept)')
    .option('--no-start', 'do not start hactld')
    .addOption(port())
    .action(async (address: string, token: string | undefined, options: JoinOptions) =>
      cli.run((await import('../commands/join.ts')).join(address, token, options)),
    );
}
