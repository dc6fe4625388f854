/** The console's entry point: command line, listener, shutdown. */
import {randomBytes} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, rmSync, statSync} from 'node:fs';
import {connect} from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {Command, CommanderError, Option} from 'commander';
import {systemClock} from '@hactl/base';
import {replaceFile} from '@hactl/base/files';
import {controlSocket, defaultPaths, readSocket, VERSION} from '../system/paths.ts';
import {openAudit} from './audit.ts';
import {fingerprint, openCertificate} from './certificate.ts';
import {openDaemon} from './daemon.ts';
import {openHistoryFile} from './history-file.ts';
import {makeConsole} from './server.ts';
import {stateText} from './state-text.ts';
import {makeFirstLink, openUsers} from './users.ts';

/** Piranha's port. */
const PORT = 3636;
const STATE_DIR = process.env.HACTL_CONSOLE_STATE_DIR ?? '/var/lib/hactl-console';
/** The built page, next to the installed program or in the checkout. */
const pages = [
  path.join(import.meta.dirname, 'console'),
  path.resolve(import.meta.dirname, '../../dist/console'),
];

interface Options {
  readonly listen: string;
  readonly socket?: string;
  readonly runDir: string;
  readonly stateDir: string;
  readonly cert?: string;
  readonly key?: string;
  readonly name: string;
}

const tokenFile = (stateDir: string): string => path.join(stateDir, 'metrics.token');

function metricsToken(stateDir: string): string {
  const file = tokenFile(stateDir);
  if (!existsSync(file)) replaceFile(file, randomBytes(24).toString('base64url') + '\n', 0o600);
  return readFileSync(file, 'utf8').trim();
}

async function certificateOf({cert, key, stateDir, name}: Options) {
  if (cert !== undefined && key !== undefined)
    return {cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8')};
  const addresses = Object.values(os.networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({internal, scopeid}) => !internal && !scopeid)
    .map(({address}) => address);
  return openCertificate(stateDir, [name, 'localhost', ...addresses], systemClock.wall());
}

async function serve(options: Options): Promise<void> {
  const {stateDir, runDir, socket, listen} = options;
  const certificate = socket === undefined ? await certificateOf(options) : undefined;
  const page = pages.find((folder) => existsSync(path.join(folder, 'index.html')));
  const {app, close} = await makeConsole({
    clock: systemClock,
    daemon: openDaemon(controlSocket(runDir)),
    users: openUsers(stateDir),
    audit: openAudit(stateDir),
    version: VERSION,
    history: openHistoryFile(stateDir),
    metricsToken: metricsToken(stateDir),
    ...(page === undefined ? {} : {page}),
    ...(certificate ? {certificate} : {}),
  });
  const say = (text: string): boolean => process.stdout.write(`${text}\n`);
  if (socket !== undefined) {
    rmSync(socket, {force: true});
    await app.listen({path: socket});
    say(`console: listening on ${socket}`);
  } else {
    const [, host = '', port = ''] = /^(?:\[?(.*?)\]?:)?(\d+)$/.exec(listen) ?? [];
    const address = await app.listen({host: host === '' ? '::' : host, port: Number(port)});
    say(`console: listening on ${address}`);
    if (certificate) say(`console: certificate SHA-256 ${fingerprint(certificate.cert)}`);
  }
  if (page === undefined) say('console: the page is not built: serving only the API');
  if (openUsers(stateDir).list().length === 0)
    say('console: no user yet: run `hactl-console link` on this machine to create the first one');
  const end = (): void => {
    void close().then(() => process.exit(0));
    setTimeout(() => process.exit(0), 2_000).unref();
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

/**
 * The unit's user owns the state directory. Root drops to that user, so that the unit can read the files afterwards and
 * the unit's access to the control socket is what gets reported.
 */
function becomeOwner(stateDir: string): void {
  const {uid, gid} = statSync(stateDir);
  if (process.getuid?.() !== 0 || uid === 0) return;
  // Node's types lack it.
  (process as {initgroups?: (user: number, group: number) => void}).initgroups?.(uid, gid);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

async function stateOf(options: Options): Promise<string> {
  const {stateDir, runDir, socket, listen, name} = options;
  const certificate = socket === undefined ? await certificateOf(options) : undefined;
  const reached = (path: string): Promise<boolean> =>
    openDaemon(path)
      .status()
      .then(
        () => true,
        () => false,
      );
  return stateText({
    endpoint: socket ?? `https://${name}:${listen.split(':').at(-1) ?? PORT}/`,
    listening: await answers(
      socket === undefined ? {port: Number(listen.split(':').at(-1))} : {path: socket},
    ),
    ...(certificate ? {fingerprint: fingerprint(certificate.cert)} : {}),
    users: openUsers(stateDir).list(),
    access: (await reached(controlSocket(runDir)))
      ? 'change'
      : (await reached(readSocket(runDir)))
        ? 'look'
        : 'none',
  });
}

/** Whether a local process listens on this address. */
const answers = (target: {port: number} | {path: string}): Promise<boolean> =>
  new Promise((resolve) => {
    const connection = connect(target);
    const end = (is: boolean): void => {
      connection.destroy();
      resolve(is);
    };
    connection.on('connect', () => end(true));
    connection.on('error', () => end(false));
  });

function program(): Command {
  const command = new Command('hactl-console')
    .description('Web console for a pair of directors. Disabled by default; runs without privileges.')
    .version(VERSION)
    .exitOverride()
    .addOption(new Option('--listen <ADDRESS:PORT>', 'address and port to listen on').default(`${PORT}`))
    .addOption(new Option('--socket <PATH>', 'listen on a Unix socket without TLS, behind a proxy'))
    .addOption(
      new Option('--run-dir <DIR>', 'directory of the daemon’s control socket').default(defaultPaths.runDir),
    )
    .addOption(new Option('--state-dir <DIR>', 'users, certificate, audit log').default(STATE_DIR))
    .addOption(new Option('--cert <FILE>', 'your own certificate, PEM'))
    .addOption(new Option('--key <FILE>', 'its key, PEM'))
    .addOption(
      new Option('--name <NAME>', 'host name in the certificate and in links').default(os.hostname()),
    );
  command.hook('preAction', () => {
    const {stateDir} = command.opts<Options>();
    mkdirSync(stateDir, {recursive: true, mode: 0o700});
    becomeOwner(stateDir);
  });
  command
    .command('serve', {isDefault: true})
    .description('serve (the default)')
    .action(() => serve(command.opts<Options>()));
  command
    .command('link')
    .description('print a one-time link for the first user, valid for 15 minutes')
    .action(() => {
      const {stateDir, name, listen} = command.opts<Options>();
      const token = makeFirstLink(stateDir, systemClock.wall());
      process.stdout.write(`https://${name}:${listen.split(':').at(-1) ?? PORT}/#first=${token}\n`);
    });
  command
    .command('status')
    .description('print the console’s address, fingerprint, users and rights')
    .action(async () => {
      process.stdout.write(await stateOf(command.opts<Options>()));
    });
  command
    .command('fingerprint')
    .description('print the certificate’s fingerprint, to compare with the one in the browser')
    .action(async () => {
      process.stdout.write(`${fingerprint((await certificateOf(command.opts<Options>())).cert)}\n`);
    });
  command
    .command('token')
    .description('print the bearer token of /metrics')
    .action(() => {
      process.stdout.write(`${metricsToken(command.opts<Options>().stateDir)}\n`);
    });
  return command;
}

/** Runs the command line; exits with status 2 on a usage error. */
export async function runConsole(argv: readonly string[]): Promise<void> {
  process.umask(0o077);
  try {
    await program().parseAsync([...argv], {from: 'user'});
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    process.stderr.write(`hactl-console: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
